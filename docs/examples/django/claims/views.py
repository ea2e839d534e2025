from django.db import transaction
from django.http import JsonResponse
from django.urls import path

from bc_events import events

from .models import Claim


def open_claim(request, number, amount):
    Claim.objects.create(number=number, amount=amount)
    events.opened_claim({"number": number, "amount": amount})
    if amount > 10_000:
        transaction.set_rollback(True)  # neither the claim nor its event exists
        return JsonResponse({"refused": number})
    return JsonResponse({"opened": number})


urlpatterns = [path("claims/<int:number>/<int:amount>", open_claim)]

from app import Policy, publish, saved, sent
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import path


def sell(_request, number):
    Policy.objects.create(number=number)
    publish(number)
    if number == 2:
        return HttpResponse(status=400)  # a status rolls nothing back
    if number == 3:
        transaction.set_rollback(True)
    if number == 4:
        raise LookupError
    return HttpResponse()


urlpatterns = [path("policies/<int:number>", sell)]

if __name__ == "__main__":
    client = Client(raise_request_exception=False)
    statuses = [client.post(f"/policies/{number}").status_code for number in (1, 2, 3, 4)]
    assert statuses == [200, 400, 200, 500]
    assert saved() == sent() == [1, 2]

"""A short dose of `python -m tests.contract.diff.falsify`: random documents prove no verdict wrong."""

import pytest

from .falsify import DATA, judged, made_schemas, real_schemas


@pytest.fixture(scope="module")
def made():
    return made_schemas(60)


@pytest.mark.parametrize("is_lenient", [True, False], ids=["lenient", "strict"])
def test_no_document_proves_a_verdict_on_random_schemas_wrong(made, is_lenient):
    found = [judged(one, seed, is_lenient=is_lenient, documents=10) for seed, one in enumerate(made)]
    assert [wrong for *_, wrong in found if wrong] == []
    statuses = [one.status for one, *_ in found if one is not None]
    assert {"breaking", "compatible"} <= set(statuses)
    assert statuses.count("unknown") <= len(statuses) / 20


@pytest.mark.skipif(not DATA.is_file(), reason=f"{DATA} is absent here; it is kept beside the repository")
@pytest.mark.parametrize("is_lenient", [True, False], ids=["lenient", "strict"])
def test_no_document_proves_a_verdict_on_real_schemas_wrong(is_lenient):
    found = [judged(one, seed, is_lenient=is_lenient, documents=3) for seed, one in enumerate(real_schemas()[:20])]
    assert [wrong for *_, wrong in found if wrong] == []
    assert {one.status for one, *_ in found} >= {"breaking", "compatible"}

"""What plugins add to the sample bank, and what is said of one that adds what no bank can have."""

import polars as pl
import pytest

from graph.errors import PluginError
from loaders.bank_directory import BankDirectory
from loaders.importing import check_bank
from plugins.host import PluginHost
from plugins.samples import write_sample

PRODUCT = '{"product_code": "SKY-CARD", "name": "Sky", "category": "card"}'
MILES = """
    for place, row in enumerate(village.rows["customers"]):
        row["miles"] = 100 * place
        row["miles_expire_on"] = village.until"""


@pytest.fixture
def sampled(tmp_path):
    """Return a function: the folder of the sample bank with the samples of plugins, by name."""

    def write(**plugins):
        host = PluginHost.load()
        for name, (sample, last) in plugins.items():
            path = tmp_path / f"{name}.py"
            path.write_text(
                "from guanxi import Sample, hookimpl\n\n"
                f"def last(village):{last or ' pass'}\n\n"
                f"@hookimpl\ndef samples(register):\n    register(Sample({name!r}, {sample}))\n"
            )
            assert host.add_path(path).error is None
        write_sample(tmp_path / "bank", 60, 1, host=host)
        return tmp_path / "bank"

    return write


@pytest.mark.parametrize(
    ("sample", "last", "said"),
    [
        ("last=last", MILES, "its last: customers has no column 'miles', and the sample's columns do not name it."),
        ("last=last", "\n    village.rows['nobody']['miles']", "its last, in sky.py:4: TypeError: list indices must be integers or slices, not str"),
        ("last=last", "\n    village.rows['customers'][0]['milage']", "its last, in sky.py:4: KeyError: 'milage'"),
        ("last=last", "\n    village.add('holdings', custmer_no='C1')", "its last, in sky.py:4: ValueError: holdings has no column 'custmer_no'. Is customer_no meant?"),
        ("last=last", "\n    village.add('holding', customer_no='C1')", "its last, in sky.py:4: ValueError: there is no table 'holding'. Is holdings meant?"),
        ("last=last", "\n    village.rows['holding'].append({})", "its last: there is no table 'holding'. Is holdings meant?"),
        ("last=last", "\n    exit(3)", "its last, in sky.py:4: SystemExit: 3"),
        ("adult=last", "\n    pass", "its adult: TypeError: last() takes 1 positional argument but 3 were given"),
        (f"products=[{PRODUCT[:-1]}, 'progamme_code': 'X'}}]", "", "products has no column 'progamme_code'. Is programme_code or product_code meant?"),
        ("products=[{'name': 'Sky', 'category': 'card'}]", "", "a row of products has no product_code."),
        ("products=['SKY-CARD']", "", "a row of products is 'SKY-CARD', no mapping."),
        (f"products={PRODUCT}", "", "a row of products is 'product_code', no mapping."),
        ("products=None", "", "its products are None, no rows."),
        (f"products=[{PRODUCT}, {PRODUCT}]", "", "it has the product_code 'SKY-CARD' twice."),
        (f"products=[{PRODUCT.replace('SKY-CARD', 'MORTGAGE')}]", "", "the product_code 'MORTGAGE' is the sample bank's own."),
        ("columns=['income']", "", "the column 'income' of customers is the sample bank's own."),
        ("columns=['a', '']", "", "its columns are ['a', ''], which are no collection of words."),
        ("columns='miles'", "", "its columns are 'miles', which are no collection of words."),
    ],
)  # fmt: skip
def test_a_sample_that_no_bank_can_have_is_refused_in_a_line_that_names_the_plugin(sampled, sample, last, said):
    with pytest.raises(PluginError) as refused:
        sampled(sky=(sample, last))

    assert str(refused.value) == f"The sample of the plugin sky cannot be taken in: {said}"


@pytest.mark.parametrize(
    ("sample", "said"),
    [
        (f"products=[{PRODUCT}]", "the product_code 'SKY-CARD'"),
        ("partners=[{'partner_code': 'AIR', 'name': 'Air', 'kind': 'airline'}]", "the partner_code 'AIR'"),
        ("columns=['miles']", "the column 'miles' of customers"),
    ],
)
def test_what_two_samples_have_is_refused_in_a_line_that_names_both_plugins(sampled, sample, said):
    with pytest.raises(PluginError) as refused:
        sampled(sky=(sample, ""), wing=(sample, ""))

    assert str(refused.value) == f"The samples of the plugins sky and wing both have {said}: one has to have another."


async def test_a_sample_adds_columns_of_its_own_to_customers(sampled, tmp_path):
    folder = sampled(sky=("columns=('miles', 'miles_expire_on'), last=last", MILES))
    customers = pl.read_csv(folder / "customers.csv", try_parse_dates=True)

    assert customers["miles"].to_list() == [100 * place for place in range(60)]
    assert customers["miles_expire_on"].dtype == pl.Date
    assert (await check_bank(BankDirectory(folder), tmp_path / "rejects.csv")).rejected == 0


async def test_what_is_true_or_false_is_written_as_a_bank_writes_it(sampled, tmp_path):
    last = "\n    for row in village.rows['consents']:\n        row['granted'] = row['granted'] == 'true'"
    folder = sampled(sky=(f"products=[{PRODUCT[:-1]}, 'credit': True}}], last=last", last))

    assert set(pl.read_csv(folder / "consents.csv", infer_schema=False)["granted"]) == {"true", "false"}
    products = pl.read_csv(folder / "products.csv", infer_schema=False)
    assert products.filter(product_code="SKY-CARD")["credit"].to_list() == ["true"]
    assert (await check_bank(BankDirectory(folder), tmp_path / "rejects.csv")).rejected == 0

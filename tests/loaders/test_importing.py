import asyncio
import os
import signal
import subprocess
import sys
from datetime import UTC, date, datetime

import polars as pl
import pytest

from graph import embedded
from graph.consents import set_consent
from graph.customers import load as read_customers
from graph.erasures import Order, erase
from graph.errors import SettingsError
from graph.migrations import migrate
from graph.once import Request
from graph.records import Consent
from graph.store import Store
from graph.words import Channel, Purpose
from loaders import csv_records
from loaders.bank_directory import BankDirectory
from loaders.importing import load_bank
from plugins.samples import write_sample
from tests.waiting import until

WHOLE_GRAPH = """
MATCH (n) WHERE NOT n:Migration RETURN labels(n)[0] AS kind, count(n) AS n, count(DISTINCT n.row_digest) AS digests
UNION ALL
MATCH ()-[r]->() RETURN type(r) AS kind, count(r) AS n, count(DISTINCT r.row_digest) AS digests
"""


async def load(store, folder, tmp_path, **options):
    return await load_bank(store, BankDirectory(folder), tmp_path / "rejects.csv", **options)


def counts(summary):
    return {file.file: (file.read, file.loaded, file.unchanged, file.rejected) for file in summary.files}


async def whole_graph(store):
    return sorted(map(str, await store.read(WHOLE_GRAPH)))


async def test_rows_become_nodes_and_relationships_with_their_values(empty_store, bank, tmp_path):
    await load(empty_store, bank(), tmp_path)

    [customer] = await empty_store.read("MATCH (c:Customer {customer_no: 'C1'}) RETURN properties(c) AS c")
    held = await empty_store.read(
        "MATCH (:Customer {customer_no: 'C1'})-[h:HOLDS]->(p) RETURN p.product_code AS code, h.closed_on AS until ORDER BY code"
    )
    months = await empty_store.read(
        "MATCH (:Customer)-[:OWNS]->(a)-[:HAD]->(m) RETURN a.balance AS b, m.month AS m ORDER BY m"
    )

    assert customer["c"]["birth_date"] == date(1990, 5, 1)
    assert customer["c"]["marketing_consent"] is True
    assert customer["c"]["x_pet"] == "cat"
    assert held == [{"code": "GOLD", "until": date(2022, 1, 1)}, {"code": "SAVE", "until": None}]
    assert months == [{"b": 12.5, "m": "2026-05"}, {"b": 12.5, "m": "2026-06"}]


async def test_a_contract_loaded_alone_names_partners_of_the_store(empty_store, bank, tmp_path):
    programmes = "programme_code,kind,name,partner_code,exclusive_of\nP,campus,P,LIONS,\nQ,campus,Q,LOINS,LIONS\nR,campus,R,LIONS,LOINS\n"
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "programmes.csv").write_text(programmes)
    await load(empty_store, bank(), tmp_path)
    unknown = await load(empty_store, alone, tmp_path)
    await load(empty_store, bank(partners="partner_code,name,kind\nLIONS,Lions,sport\n"), tmp_path)

    known = await load(empty_store, alone, tmp_path)

    assert (counts(unknown), counts(known)) == ({"programmes.csv": (3, 3, 0, 0)}, {"programmes.csv": (3, 0, 1, 2)})
    assert [line.split(",")[:4] for line in known.rejects.read_text().splitlines()[1:]] == [
        ["programmes.csv", "3", "partner_code", "LOINS"],
        ["programmes.csv", "4", "exclusive_of", "LOINS"],
    ]


async def test_what_a_customer_said_of_consent_holds_against_newer_files(empty_store, bank, tmp_path):
    consent = "MATCH (c:Customer {customer_no: 'C1'}) RETURN c.marketing_consent AS given, c.region AS region"
    folder = bank()
    await load(empty_store, folder, tmp_path)
    refused = Consent(Purpose.MARKETING, granted=False)
    await set_consent(empty_store, "C1", refused, Request("K", "F", "I", datetime(2026, 6, 1, tzinfo=UTC)))
    customers = pl.read_csv(folder / "customers.csv", infer_schema=False)
    customers.with_columns(region=pl.lit("Anhui")).write_csv(folder / "customers.csv")

    await load(empty_store, folder, tmp_path)

    assert await empty_store.read(consent) == [{"given": False, "region": "Anhui"}]


async def test_a_second_load_writes_nothing(empty_store, bank, tmp_path):
    first = await load(empty_store, bank(), tmp_path)
    before = await whole_graph(empty_store)
    second = await load(empty_store, bank(), tmp_path)

    assert counts(first)["holdings.csv"] == (2, 2, 0, 0)
    assert counts(second) == {name: (read, 0, read, 0) for name, (read, *_) in counts(first).items()}
    assert await whole_graph(empty_store) == before


async def test_a_newer_directory_updates_by_key_and_deletes_nothing(empty_store, bank, tmp_path):
    await load(empty_store, bank(), tmp_path)
    newer = bank(
        customers="customer_no,kind,name\nC1,person,\n",
        holdings="customer_no,product_code,opened_on,closed_on\nC1,SAVE,2020-01-01,2026-01-01\n",
        accounts="account_no,customer_no\nA1,C2\n",
    )

    summary = await load(empty_store, newer, tmp_path)

    assert counts(summary)["customers.csv"] == (1, 1, 0, 0)
    [customer] = await empty_store.read(
        "MATCH (c:Customer {customer_no: 'C1'}) RETURN c.name AS name, c.birth_date AS born"
    )
    assert customer == {"name": None, "born": None}
    owners = await empty_store.read("MATCH (c)-[:OWNS]->(:Account) RETURN c.customer_no AS number")
    assert owners == [{"number": "C2"}]
    closed = await empty_store.read("MATCH ()-[h:HOLDS]->() RETURN h.closed_on AS day ORDER BY day")
    assert closed == [{"day": date(2022, 1, 1)}, {"day": date(2026, 1, 1)}]


async def test_a_reference_may_be_to_what_the_graph_has_already(empty_store, bank, tmp_path):
    await load(empty_store, bank(), tmp_path)

    summary = await load(empty_store, bank(customers="customer_no,kind\nC3,person\n"), tmp_path)

    assert summary.rejected == 0


async def test_good_rows_load_beside_rejected_ones(empty_store, bank, tmp_path):
    summary = await load(empty_store, bank(holdings="customer_no,product_code\nC1,SAVE\nC9,SAVE\nC1,SAVE\n"), tmp_path)

    assert counts(summary)["holdings.csv"] == (3, 1, 1, 1)
    assert summary.rejects is not None
    assert "holdings.csv,3,customer_no,C9," in summary.rejects.read_text()


async def test_strict_writes_nothing_when_a_row_is_rejected(empty_store, bank, tmp_path):
    summary = await load(empty_store, bank(holdings="customer_no,product_code\nC9,SAVE\n"), tmp_path, strict=True)

    assert summary.rejected == 1
    assert await whole_graph(empty_store) == []


async def test_a_supplementary_card_may_stand_before_its_principal(empty_store, bank, tmp_path):
    await load(empty_store, bank(cards="card_no,customer_no,principal_card_no\nK2,C1,K1\nK1,C1,\n"), tmp_path)

    assert await empty_store.read("MATCH (a:Card)-[:SUPPLEMENTS]->(b) RETURN a.card_no AS a, b.card_no AS b") == [
        {"a": "K2", "b": "K1"}
    ]


async def test_parquet_loads_as_csv_does(empty_store, bank, tmp_path):
    folder = bank()
    await load(empty_store, folder, tmp_path)
    for name in ("customers", "holdings", "products"):
        pl.read_csv(folder / f"{name}.csv", try_parse_dates=True).write_parquet(folder / f"{name}.parquet")
        (folder / f"{name}.csv").unlink()

    summary = await load(empty_store, folder, tmp_path)

    assert {file.loaded for file in summary.files} == {0}


async def test_two_loads_at_once_write_every_row_once(empty_store, tmp_path):
    write_sample(tmp_path / "bank", 60, 3)
    alone = await load(empty_store, tmp_path / "bank", tmp_path)
    graph = await whole_graph(empty_store)
    await empty_store.write("MATCH (n) WHERE NOT n:Migration DETACH DELETE n")

    both = await asyncio.gather(*(load(empty_store, tmp_path / "bank", tmp_path) for _ in range(2)))

    assert await whole_graph(empty_store) == graph
    for one, other, whole in zip(*(summary.files for summary in (*both, alone)), strict=True):
        assert one.loaded + other.loaded == whole.loaded == whole.read
        assert one.unchanged + other.unchanged == whole.read


async def test_a_row_that_stands_twice_far_apart_is_written_once(empty_store, bank, tmp_path, monkeypatch):
    monkeypatch.setattr(csv_records, "BLOCK_BYTES", 16)
    folder = bank(holdings="customer_no,product_code\nC1,SAVE\nC2,SAVE\nC1,GOLD\nC1,SAVE\n")

    summary = await load(empty_store, folder, tmp_path)

    assert counts(summary)["holdings.csv"] == (4, 3, 1, 0)
    assert await empty_store.read("MATCH ()-[h:HOLDS]->() RETURN count(h) AS n") == [{"n": 3}]


async def test_a_reference_to_a_rejected_row_is_rejected(empty_store, bank, tmp_path):
    summary = await load(empty_store, bank(customers="customer_no,kind\nC1,person\nC2,robot\n"), tmp_path)

    assert counts(summary)["relations.csv"] == (1, 0, 0, 1)
    assert "relations.csv,2,to_customer_no,C2," in summary.rejects.read_text()


async def test_codes_of_a_table_that_is_not_handed_over_are_kept_without_a_relationship(empty_store, bank, tmp_path):
    folder = bank(
        customers="customer_no,kind,manager_no\nC1,person,M1\nC2,company,\n",
        cards="card_no,customer_no,programme_code,account_no\nK1,C1,CAMPUS,A1\n",
    )

    summary = await load(empty_store, folder, tmp_path)

    assert summary.rejected == 0
    assert await empty_store.read("MATCH (c:Customer {manager_no: 'M1'}) RETURN c.customer_no AS number") == [
        {"number": "C1"}
    ]
    linked = "MATCH (k:Card {programme_code: 'CAMPUS'})-[r]-() RETURN type(r) AS kind ORDER BY kind"
    assert await empty_store.read(linked) == [{"kind": "CARRIES"}, {"kind": "DRAWS_ON"}]


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample") / "bank"
    write_sample(folder, 400, 3)
    return folder


@pytest.fixture(scope="module")
async def whole(store, sample, tmp_path_factory):
    """The graph of the sample, loaded without a break."""
    await store.write("MATCH (n) WHERE NOT n:Migration DETACH DELETE n")
    await load(store, sample, tmp_path_factory.mktemp("rejects"))
    return await whole_graph(store)


@pytest.mark.embedded
@pytest.mark.parametrize("victim", ["store", "loader"])
async def test_a_killed_load_is_finished_by_the_next(tmp_path, victim, serving_pid, sample, whole):
    home = tmp_path / "home"
    loader = subprocess.Popen(
        [sys.executable, "-m", "guanxi", "load", str(sample)],
        env=os.environ | {"GUANXI_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    folder = embedded.StoreFolder(home / "store")
    await wait_for_rows(folder)
    os.kill(serving_pid(folder) if victim == "store" else loader.pid, signal.SIGKILL)
    loader.kill()
    loader.wait()

    with embedded.join(home) as lease:
        async with Store(lease.uri, lease.username, lease.password, lease.database) as store:
            assert await whole_graph(store) != whole
            await migrate(store)
            await load(store, sample, tmp_path)
            assert await whole_graph(store) == whole


async def wait_for_rows(folder):
    """Return in the middle of the load: when the first customers are there."""
    await until(folder.address.exists)
    with embedded.join(folder.path.parent) as lease:
        async with Store(lease.uri, lease.username, lease.password, lease.database) as store:
            await until(
                lambda: store.read("MATCH (c:Customer) RETURN count(c) AS n"), lambda found: found[0]["n"], every=0.005
            )


ERASED = "is, or is of, a customer who was erased"
SECRET = "the secret that erasures are proved by"


async def test_files_do_not_bring_the_erased_back(empty_store, bank, tmp_path):
    files = {
        "cards": "card_no,customer_no,principal_card_no\nK1,C1,\nK2,C2,K1\n",
        "interactions": "interaction_id,customer_no,channel,kind,at\nI1,C1,branch,visit,2026-06-30T09:30:00+08:00\n",
        "relations": "from_customer_no,to_customer_no,kind\nC1,C2,employer\nC2,C1,guarantor\n",
    }
    await load(empty_store, bank(**files), tmp_path)
    asked = Order("C1", "the desk", "he asked", datetime(2026, 7, 1, tzinfo=UTC), despite_open=True)
    await erase(empty_store, asked, SECRET)
    left = await whole_graph(empty_store)

    summary = await load(empty_store, bank(**files), tmp_path, erasure_secret=SECRET)

    assert await whole_graph(empty_store) == left
    assert summary.rejects.read_text().splitlines()[1:] == [
        f'customers.csv,2,customer_no,C1,"{ERASED}"', f'holdings.csv,2,customer_no,C1,"{ERASED}"',
        f'holdings.csv,3,customer_no,C1,"{ERASED}"', f'accounts.csv,2,account_no,A1,"{ERASED}"',
        f'cards.csv,2,card_no,K1,"{ERASED}"', f'cards.csv,3,principal_card_no,K1,"{ERASED}"',
        f'relations.csv,2,from_customer_no,C1,"{ERASED}"', f'relations.csv,3,to_customer_no,C1,"{ERASED}"',
        f'activity.csv,2,account_no,A1,"{ERASED}"', f'activity.csv,3,account_no,A1,"{ERASED}"',
        f'interactions.csv,2,customer_no,C1,"{ERASED}"',
    ]  # fmt: skip


async def test_a_table_by_itself_brings_no_number_of_the_erased_back(empty_store, bank, tmp_path):
    await load(empty_store, bank(), tmp_path)
    asked = Order("C1", "the desk", "he asked", datetime(2026, 7, 1, tzinfo=UTC), despite_open=True)
    await erase(empty_store, asked, SECRET)
    left = await whole_graph(empty_store)
    folder = bank()
    for name in ("customers", "holdings", "accounts", "relations"):
        (folder / f"{name}.csv").write_text(f"{(folder / f'{name}.csv').read_text().splitlines()[0]}\n")
    (folder / "accounts.csv").unlink()

    summary = await load(empty_store, folder, tmp_path, erasure_secret=SECRET)

    assert (await whole_graph(empty_store), summary.rejected) == (left, 2)


@pytest.mark.parametrize("secret", [None, "another secret"])
async def test_nothing_is_loaded_under_another_secret_than_erasures_were_proved_by(empty_store, bank, tmp_path, secret):
    await load(empty_store, bank(), tmp_path)
    asked = Order("C1", "the desk", "he asked", datetime(2026, 7, 1, tzinfo=UTC), despite_open=True)
    await erase(empty_store, asked, SECRET)
    left = await whole_graph(empty_store)

    with pytest.raises(SettingsError, match="Set the one that was used"):
        await load(empty_store, bank(), tmp_path, erasure_secret=secret)

    assert await whole_graph(empty_store) == left


CONSENTS = "customer_no,purpose,channel,granted,at\n"


async def test_the_file_of_consents_is_kept_as_words_and_a_second_load_adds_none(empty_store, bank, tmp_path):
    rows = "C1,marketing,phone,false,2026-01-01T09:00:00+08:00\nC1,partners,,true,2026-02-01T00:00:00Z\n"
    folder = bank(consents=CONSENTS + rows)
    first = await load(empty_store, folder, tmp_path)
    before = await whole_graph(empty_store)
    second = await load(empty_store, folder, tmp_path)

    assert (counts(first)["consents.csv"], counts(second)["consents.csv"]) == ((2, 2, 0, 0), (2, 0, 2, 0))
    assert await whole_graph(empty_store) == before
    [customer] = await read_customers(empty_store, ["C1"])
    assert customer.consents == (
        Consent(Purpose.MARKETING, granted=True),
        Consent(Purpose.MARKETING, False, Channel.PHONE, datetime(2026, 1, 1, 1, tzinfo=UTC), version=1),
        Consent(Purpose.PARTNERS, True, None, datetime(2026, 2, 1, tzinfo=UTC), version=2),
    )

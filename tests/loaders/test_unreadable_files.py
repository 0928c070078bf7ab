import gzip
import tracemalloc

import polars as pl
import pytest

from graph.errors import LoadError
from loaders import csv_records
from loaders.bank_directory import BankDirectory
from loaders.importing import check_bank, load_bank


@pytest.mark.parametrize(
    ("customers", "message"),
    [
        (b"", "customers.csv: the file is empty"),
        (b"customer_no,name\nC1,An\n", "customers.csv: the header lacks kind"),
        (b"customer_no,kind,kind\n", "names 'kind' twice"),
        (b"customer_no,,kind\n", "a column without a name"),
        (b"customer_no,kind\n\xff\xfe,person\n", "customers.csv is not UTF-8: byte 0xff"),
        (b"customer_no,kind\nC1\0,person\n", "NUL"),
        (b'customer_no,kind\nC1,person\n"C2,per', "is never closed; is it half written"),
    ],
)
async def test_a_file_that_cannot_be_read_stops_the_load_before_anything_is_written(
    empty_store, bank, tmp_path, customers, message
):
    with pytest.raises(LoadError, match=message):
        await load_bank(empty_store, BankDirectory(bank(customers=customers)), tmp_path / "rejects.csv")

    assert await empty_store.read("MATCH (n) WHERE NOT n:Migration RETURN count(n) AS n") == [{"n": 0}]


def test_a_half_written_gzip_is_named(tmp_path):
    whole = gzip.compress(b"a,b\n" + b"1,2\n" * 100_000)
    (tmp_path / "half.csv.gz").write_bytes(whole[: len(whole) // 2])

    with pytest.raises(LoadError, match=r"half\.csv\.gz cannot be read.*half written"):
        list(csv_records.frames(tmp_path / "half.csv.gz"))


def test_an_endless_line_is_refused_without_being_held(tmp_path):
    path = tmp_path / "long.csv"
    with path.open("wb") as file:
        file.write(b"a,b\n")
        file.truncate(2 << 30)

    tracemalloc.start()
    with pytest.raises(LoadError, match="longer than 4 MiB"):
        list(csv_records.frames(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 256 << 20


async def test_a_missing_folder_no_table_and_a_missing_core_table_are_named(tmp_path, bank, empty_store):
    with pytest.raises(LoadError, match="is no directory"):
        BankDirectory(tmp_path / "nowhere")
    with pytest.raises(LoadError, match="has no file of a bank"):
        BankDirectory(tmp_path)
    folder = bank()
    (folder / "products.csv").unlink()
    named = {"rejects": tmp_path / "r.csv", "named": "bank"}
    for check, more in (
        (load_bank(empty_store, BankDirectory(folder), **named), ", nor has the store"),
        (check_bank(BankDirectory(folder), **named), ": what is checked is a whole bank"),
    ):
        with pytest.raises(LoadError, match=f"^bank has no products{more}"):
            await check
    assert await empty_store.read("MATCH (c:Customer) RETURN c.customer_no") == []


def test_two_files_of_one_table_are_refused(bank):
    folder = bank()
    pl.DataFrame({"customer_no": ["C1"], "kind": ["person"]}).write_parquet(folder / "customers.parquet")

    with pytest.raises(LoadError, match=r"both customers\.csv and customers\.parquet"):
        BankDirectory(folder)

import json
import socket

import pytest

pytestmark = pytest.mark.embedded

CUSTOMERS = "customer_no,kind\nC1,person\nC2,alien\n"


@pytest.fixture
def half_good_bank(tmp_path):
    """A bank with one good customer and one of a kind that there is not."""
    folder = tmp_path / "bank"
    folder.mkdir()
    (folder / "customers.csv").write_text(CUSTOMERS)
    (folder / "products.csv").write_text("product_code,name,category\nSAVE,Savings,deposit\n")
    (folder / "holdings.csv").write_text("customer_no,product_code\n")
    return folder


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["recommend", "--customer", "NOBODY"], "There is no customer 'NOBODY'."),
        (["explain", "NOBODY"], "There is no customer 'NOBODY'."),
        (["explain", "C000000001", "NOTHING"], "There is no product 'NOTHING'."),
        (["recommend"], "Name either --customer NUMBER or --all."),
        (["recommend", "--all", "--customer", "C000000001"], "Name either --customer NUMBER or --all."),
        (["recommend", "--all", "--out", "offers.txt"], "offers.txt is neither .csv nor .parquet."),
        (["recommend", "--all", "--out", "nowhere/offers.csv"], "nowhere/offers.csv cannot be written: No such file"),
        (["load", "nowhere"], "nowhere is no directory."),
        (["load", "--format", "berka", "."], "has no account.asc"),
        (["load", "--format", "cobol", "."], "There is no format 'cobol'; there are bank, berka."),
        (["recommend", "--all", "--as-of", "nonsense"], "'nonsense' does not match the formats '%Y-%m-%d'"),
        (["train", "--as-of", "1990-01-01"], "There is nothing to learn from on 1990-01-01: the first holding is of "),
        (["dance"], "No such command 'dance'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_use_is_one_line_and_exit_code_2(journey, guanxi, arguments, line):
    done = guanxi(journey.home, *arguments)

    assert_refused(done, line)


def test_a_home_without_a_bank_has_nothing_to_learn_from(new_home, guanxi):
    assert_refused(
        guanxi(new_home, "train"), "There are no customers and products to learn from; run guanxi load first."
    )
    assert not (new_home / "models").exists()


@pytest.mark.parametrize("name", ["serve", "demo"])
def test_a_port_in_use_is_named(tmp_path, guanxi, name):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        done = guanxi(tmp_path, name, "--port", str(port), GUANXI_DEVELOPMENT="1")

    assert_refused(done, f"127.0.0.1:{port} cannot be listened on: Address already in use. Try another --port.")


@pytest.mark.parametrize(
    ("uri", "line"),
    [
        ("bolt://127.0.0.1:1", "The store at bolt://127.0.0.1:1 cannot be reached; is it running?"),
        ("next door", "next door"),
    ],
)
def test_a_store_that_is_not_there_is_named(tmp_path, guanxi, uri, line):
    assert_refused(guanxi(tmp_path, "recommend", "--all", NEO4J_URI=uri, GUANXI_STORE_RETRY_SECONDS="0"), line)


def test_a_wrong_setting_is_named(tmp_path, guanxi):
    assert_refused(guanxi(tmp_path, "train", GUANXI_JWT_ALGORITHM="none"), "The setting jwt_algorithm is wrong")


def test_check_names_the_bad_rows_without_a_store(half_good_bank, guanxi, tmp_path):
    done = guanxi(tmp_path / "home", "check", half_good_bank, "--rejects", tmp_path / "bad.csv")

    assert done.returncode == 1
    assert "customers.csv: 2 read, 0 loaded, 0 unchanged, 1 rejected" in done.stdout
    assert 'customers.csv,3,kind,alien,"is none of' in (tmp_path / "bad.csv").read_text()
    assert not (tmp_path / "home" / "store").exists()


def test_a_load_with_bad_rows_is_done_in_part_and_with_strict_not_at_all(new_home, guanxi, half_good_bank):
    strict = guanxi(new_home, "load", half_good_bank, "--strict", "--json")
    nobody = guanxi(new_home, "explain", "C1")
    lenient = guanxi(new_home, "load", half_good_bank, "--json")
    somebody = guanxi(new_home, "explain", "C1")

    assert (strict.returncode, nobody.returncode, lenient.returncode, somebody.returncode) == (2, 2, 1, 0)
    assert [file["loaded"] for file in json.loads(strict.stdout)["files"]] == [0, 0, 0]
    customers = {file["file"]: file for file in json.loads(lenient.stdout)["files"]}["customers.csv"]
    assert (customers["loaded"], customers["rejected"]) == (1, 1)
    assert json.loads(lenient.stdout)["rejects"] == str(new_home / "rejects.csv")


def assert_refused(done, line):
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert line in done.stderr

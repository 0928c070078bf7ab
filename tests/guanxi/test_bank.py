"""A bank in a notebook: frames, views and offers, from synchronous code and from inside a running loop."""

import subprocess
import sys
from contextlib import ExitStack
from datetime import date, datetime

import numpy as np
import polars as pl
import pytest

import guanxi
from graph.errors import GuanxiError, NotFound, PluginError, SettingsError
from guanxi import Candidates, Field, Lever, Proposal, hookimpl, recommender
from guanxi.bank import Bank
from guanxi.testing.drawn import sample_bank
from loaders.tables import CONTRACT, TABLES
from plugins.host import PluginHost
from recommenders.artefact import current_id


@pytest.fixture(scope="module")
def bank(journey):
    with guanxi.open(journey.home, today=date(2026, 6, 30)) as opened:
        yield opened


@pytest.mark.parametrize("name", TABLES)
def test_every_table_comes_back_as_it_was_loaded(bank, journey, name):
    written = pl.read_csv(journey.bank / f"{name}.csv", infer_schema=False)
    frame = bank.table(name)
    if name == "consents":  # what the customers file says of consent is there, too, at no moment
        frame = frame.filter(pl.col("at").is_not_null())
    assert frame.height == written.height
    unwritten = set(CONTRACT) if name == "programmes" else set()  # the sample bank's partners agreed on nothing
    assert set(written.columns) == set(frame.columns) - unwritten
    keys = [key for key in TABLES[name].key if key != "at"]
    texts = frame.select(pl.col(keys).cast(pl.String)).sort(keys)
    assert texts.equals(written.select(pl.col(keys)).sort(keys))


def test_columns_have_the_types_of_the_format(bank):
    types = bank.table("customers").schema
    assert (types["birth_date"], types["income"], types["marketing_consent"]) == (pl.Date, pl.Float64, pl.Boolean)


def test_offers_are_those_of_the_command(bank, guanxi, journey, last_day):
    said = guanxi(journey.home, "recommend", "--all", "--as-of", last_day).stdout
    told = pl.read_csv(said.encode(), schema_overrides={"customer_no": pl.String})
    offers = bank.offers(bank.table("customers")["customer_no"].sort())
    assert offers.height > 100
    assert offers["product_code"].to_list() == told["product_code"].to_list()


def test_what_is_unknown_is_named(bank):
    with pytest.raises(NotFound, match="customer 'NOBODY'"):
        bank.customer("NOBODY")
    with pytest.raises(NotFound, match="table 'nothing'"):
        bank.table("nothing")
    with pytest.raises(NotFound, match="recommender 'nobody'"):
        bank.learnt("nobody")


async def test_it_answers_inside_a_running_loop_as_a_notebook_has(bank):
    assert bank.customer(bank.table("customers")["customer_no"][0]).customer_no


def test_python_ends_with_a_bank_that_nobody_closed(journey):
    code = "import sys, guanxi; bank = guanxi.open(sys.argv[1]); print(bank.table('customers').height)"
    ran = subprocess.run([sys.executable, "-c", code, journey.home], capture_output=True, text=True, timeout=60)

    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "300\n", "")


def test_what_is_trained_here_makes_no_feature_of_protected_columns():
    with sample_bank(60) as bank:
        settings = bank.settings.model_copy(update={"protected": ("gender",)})
        with Bank(settings, host=PluginHost.load(), today=bank.today) as own:
            assert own.train().training["protected"] == ["gender"]


def recommending(score, name="pensions"):
    """A function as a cell of a notebook defines it, each time anew."""

    @recommender(name)
    def propose(_):
        yield Proposal("PENSION", score=score)

    return propose


def offering(name):
    """An object with hooks, as a cell defines it, each time anew."""

    class Own:
        @hookimpl
        def fields(self, register):
            register(Field("Customer", name, int, lambda _: 1, "One."))

        @hookimpl
        def levers(self, register):
            register(Lever(name, {"PENSION": 2.0}))

    return Own()


PACKAGE = {
    "pyproject.toml": '[project.entry-points."guanxi.plugins"]\npensions = "notebook_pensions"\n',
    "notebook_pensions/__init__.py": "from notebook_pensions.saying import propose\n",
    "notebook_pensions/saying.py": "from guanxi import Proposal, recommender\n@recommender('pensions')\n"
    "def propose(customer):\n    yield Proposal('PENSION', score={score})\n",
}


@pytest.fixture
def own_bank(bank):
    """The bank, with plugins of a test's own."""
    with Bank(bank.settings, host=PluginHost.load(), today=bank.today) as own:
        yield own


def scores(bank, name="pensions"):
    """What a bank's recommender gives a few customers for a pension, as its engine asks it."""
    batch = bank.batch(next(bank.pages(3)))
    [asked] = [found for found in bank.engine.recommenders if found.name == name]
    return set(asked.propose(batch).scores[:, batch.catalogue.index["PENSION"]].tolist())


def added(bank):
    return [info.name for info in bank.host.plugins if info.source != "shipped"]


def test_a_cell_that_is_run_again_replaces_its_plugin(own_bank):
    for score in (0.25, 0.5):
        own_bank.add(recommending(score))
        assert scores(own_bank) == {score}
    own_bank.add(recommending(0.75, "others"))
    assert (scores(own_bank), scores(own_bank, "others")) == ({0.5}, {0.75})
    assert added(own_bank) == ["pensions", "others"]


def test_hooks_that_are_added_again_replace_those_before(own_bank):
    for name in ("one", "other"):
        info = own_bank.add(offering(name))
        assert [field.name for field, owner in own_bank.host.of("fields") if owner is info] == [name]
        assert [lever.name for lever in own_bank.host.rules(own_bank.catalogue).levers] == [name]
    assert added(own_bank) == ["Own"]


def test_a_package_that_was_edited_is_added_anew(own_bank, tmp_path):
    for score in (0.25, 0.5):
        for name, text in PACKAGE.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text.replace("{score}", f"{score:.3}"))
        own_bank.add(tmp_path)
        assert scores(own_bank) == {score}
    assert added(own_bank) == [tmp_path.name]


def test_what_was_added_before_stays_where_the_import_is_interrupted(own_bank, tmp_path):
    path = tmp_path / "pensions.py"
    right = PACKAGE["notebook_pensions/saying.py"].replace("{score}", "0.5")
    path.write_text(right)
    own_bank.add(path)
    own_bank.add(recommending(0.25, "others"))
    for broken in ("", "from guanxi import hookimpl\n@hookimpl\ndef gates(register):\n    "):
        path.write_text(f"{broken}import os, signal, time; os.kill(os.getpid(), signal.SIGINT); time.sleep(1)")
        with pytest.raises(KeyboardInterrupt):
            own_bank.add(path)

        own_bank.__dict__.pop("engine", None)
        assert (scores(own_bank), added(own_bank)) == ({0.5}, ["pensions", "others"])


@pytest.mark.parametrize("wrong", ["def (", "raise ZeroDivisionError"])
def test_what_is_broken_leaves_what_was_added_before(own_bank, tmp_path, wrong):
    path = tmp_path / "pensions.py"
    right = PACKAGE["notebook_pensions/saying.py"].replace("{score}", "0.5")
    path.write_text(right)
    own_bank.add(recommending(0.25, "others"))
    own_bank.add(path)
    path.write_text(wrong)
    for _ in range(2):
        with pytest.raises(PluginError, match="is broken"):
            own_bank.add(path)
        assert (scores(own_bank), added(own_bank)) == ({0.5}, ["others", "pensions"])
    path.write_text(right.replace("0.5", "0.75"))
    own_bank.add(path)
    assert (scores(own_bank), added(own_bank)) == ({0.75}, ["others", "pensions"])


class Pensions:
    """A recommender as a cell defines it, and nothing that registers it."""

    name, version = "pensions", "1"

    def __init__(self, score=0.25):
        self.score = score

    def propose(self, batch):
        scores = np.full(batch.shape, np.nan, np.float32)
        scores[:, batch.catalogue.index["PENSION"]] = self.score
        return Candidates(scores, lambda *_: None)


class Learning(Pensions):
    """One that learns the share of customers who have a pension."""

    name = "learning"

    def fit(self, _):
        return {"score": np.array([0.75])}

    def with_arrays(self, arrays, _):
        return Learning(float(arrays["score"][0]))


def test_a_recommender_is_added_as_it_is(own_bank):
    for score in (0.25, 0.5):
        info = own_bank.add(Pensions(score))
        assert (info.name, info.state, info.recommenders) == ("pensions", "loaded", ["pensions"])
        assert scores(own_bank) == {score}
    own_bank.add(Learning())
    assert added(own_bank) == ["pensions", "learning"]
    batch = own_bank.batch(next(own_bank.pages(3)))
    learnt = own_bank.learnt("learning").propose(batch).scores
    assert set(learnt[:, batch.catalogue.index["PENSION"]].tolist()) == {0.75}


@pytest.mark.parametrize("as_text", [False, True])
def test_a_path_may_be_a_text(own_bank, tmp_path, as_text):
    path = tmp_path / "pensions.py"
    path.write_text(PACKAGE["notebook_pensions/saying.py"].replace("{score}", "0.5"))

    assert own_bank.add(str(path) if as_text else path).recommenders == ["pensions"]


TAKES = (
    "Add a function with @recommender, a recommender (with name, version and propose), a module or an object with "
    "hooks, or the path of a plugin."
)
WRONG = {
    "class": (Pensions, f"The class Pensions registers nothing: add an instance of it. {TAKES}"),
    "function": (lambda *_: [], f"The function <lambda> registers nothing. {TAKES}"),
    "number": (42, f"The int registers nothing. {TAKES}"),
    "nothing": (None, f"The NoneType registers nothing. {TAKES}"),
    "name": ("pensions", f"There is no file or folder pensions. {TAKES}"),
    "module": (pl, f"The module polars registers nothing. {TAKES}"),
}


@pytest.mark.parametrize(("wrong", "told"), WRONG.values(), ids=WRONG)
def test_what_registers_nothing_is_refused_and_leaves_no_trace(journey, wrong, told):
    before = sorted(journey.home.glob("failures/*"))
    with guanxi.open(journey.home, today=date(2026, 6, 30)) as own:
        with pytest.raises(PluginError) as refused:
            own.add(wrong)
        assert (str(refused.value), added(own)) == (told, [])
    assert sorted(journey.home.glob("failures/*")) == before


def test_a_file_that_registers_nothing_is_refused_and_leaves_what_was_added_before(own_bank, tmp_path):
    path = tmp_path / "pensions.py"
    for _ in range(2):
        path.write_text("x = 1")
        with pytest.raises(PluginError, match=f"^The file {path} registers nothing. Add a function"):
            own_bank.add(path)
    path.write_text(PACKAGE["notebook_pensions/saying.py"].replace("{score}", "0.5"))
    own_bank.add(path)
    path.write_text("x = 1")
    with pytest.raises(PluginError, match="registers nothing"):
        own_bank.add(path)
    assert (scores(own_bank), added(own_bank)) == ({0.5}, ["pensions"])


def test_what_a_cell_gets_wrong_is_reported_to_nobody(journey):
    class Own:
        @hookimpl
        def gates(self):
            raise ValueError

    @recommender("failing-cell")
    def propose(customer):
        raise ValueError(customer.customer_no)

    with guanxi.open(journey.home, today=date(2026, 6, 30)) as own:
        with pytest.raises(PluginError, match="The plugin Own is broken: ValueError"):
            own.add(Own())
        own.add(propose)
        own.offers(next(own.pages(3)))
    assert not {path.name for path in journey.home.glob("failures/*")} & {"Own", "failing-cell"}


def test_a_number_alone_is_one_customer(bank):
    number = next(bank.pages(1))[0]

    assert bank.offers(number).equals(bank.offers([number]))
    assert len(bank.answers(number)) == 1
    assert bank.batch(number).customers[0].customer_no == number
    with pytest.raises(NotFound, match="customer 'NOBODY'"):
        bank.offers("NOBODY")


@pytest.mark.parametrize("top", [0, -1, 1.5, "3"])
def test_none_of_the_best_offers_cannot_be_asked_for(bank, top):
    with pytest.raises(SettingsError, match=f"^top is a whole number from 1 on, and not {top!r}.$"):
        bank.offers(next(bank.pages(1)), top=top)


@pytest.mark.parametrize("today", [date(2026, 6, 30), "2026-06-30", datetime(2026, 6, 30, 9)])
def test_the_day_may_be_a_text(journey, today):
    with guanxi.open(journey.home, today=today) as own:
        assert (type(own.today), own.today) == (date, date(2026, 6, 30))


@pytest.mark.parametrize("today", ["yesterday", "", 20260630, "2026-02-30"])
def test_what_is_no_day_is_refused_at_once(tmp_path, today):
    with pytest.raises(SettingsError, match=f"^today is a date, or a text such as '2026-06-30', and not {today!r}.$"):
        guanxi.open(tmp_path, today=today)
    assert list(tmp_path.iterdir()) == []


def test_a_bank_that_is_closed_says_so(journey):
    own = guanxi.open(journey.home, today=date(2026, 6, 30))
    own.close()
    own.close()

    for ask in (lambda: own.table("customers"), lambda: own.offers("C000000001"), lambda: next(own.pages())):
        with pytest.raises(GuanxiError, match=r"^The bank is closed; guanxi.open\(\) opens it again.$"):
            ask()


@pytest.fixture(scope="module")
def trained():
    """A bank of 150 customers with a model."""
    with sample_bank(150) as bank:
        bank.train()
        yield bank


@pytest.fixture
def notebook(trained):
    """Return a function: that bank as a notebook opens it, with plugins of some folders."""
    with ExitStack() as opened:

        def make(*folders):
            settings = trained.settings.model_copy(update={"plugins": list(folders)})
            return opened.enter_context(Bank(settings, today=trained.today))

        yield make


def test_a_model_that_evaluates_worse_decides_in_the_notebook_alone(notebook, boast, caplog):
    own = notebook()
    models = own.settings.models_dir
    first = current_id(models)
    manifest = models / first / "manifest.json"
    was = manifest.read_text()
    boast(models, first)
    worse = own.train()
    manifest.write_text(was)

    assert current_id(models) == first
    assert own.model is worse
    assert {offer.model for answer in own.answers(next(own.pages(3))) for offer in answer.offers} == {worse.model_id}
    [told] = [record.getMessage() for record in caplog.records if record.name == "guanxi"]
    assert told.startswith(f"Not in force: it evaluates worse than {first} by more than ")
    assert told.endswith(f" To put it in force: guanxi models promote {worse.model_id}")

    caplog.clear()
    good = own.train()
    assert (current_id(models), caplog.records) == (good.model_id, [])


def test_segments_keep_the_names_of_the_model_in_force(notebook):
    own = notebook()
    manifest = own.settings.models_dir / current_id(own.settings.models_dir) / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"S1"', '"S77"'))

    assert "S77" in {segment.code for segment in own.train().segments.described}


def test_the_ranker_in_force_knows_nothing_of_what_only_the_notebook_has(notebook, tmp_path):
    for folder, name in {"served": "served", "mine": "mine"}.items():
        (tmp_path / folder).mkdir()
        text = PACKAGE["notebook_pensions/saying.py"].replace("{score}", "0.5").replace("pensions", name)
        (tmp_path / folder / f"{name}.py").write_text(text)
    own = notebook(tmp_path / "served")
    for _ in range(2):
        own.add(tmp_path / "served" / "served.py")
        own.add(tmp_path / "mine" / "mine.py")
        own.add(recommending(0.5))
    model = own.train()

    assert {"served", "mine", "pensions"} & set(model.ranker.schema.recommenders) == {"served"}
    assert model.calibration.is_learnt("pensions")
    assert scores(own) == scores(own, "mine") == {0.5}

"""What plugins say is theirs is offered by nobody where they do not decide."""

from datetime import date

import pytest

from graph import products
from graph.errors import PluginError
from graph.imports import import_rows
from graph.words import Channel, PluginStage, ProgrammeKind
from plugins.about import About
from plugins.claims import Held, held_back, remember
from plugins.deciding import build_engine
from plugins.functions import MARK, recommender
from plugins.hookspecs import hookimpl
from plugins.host import PluginHost
from plugins.life.shadows import Shadows
from plugins.life.stages import Life, Lives, is_in_share
from recommenders.catalogue import Catalogue
from recommenders.contract import Context, Proposal

TODAY = date(2026, 6, 30)


@recommender("fans")
def propose(_):
    yield Proposal("FAN-CARD", score=0.9)
    yield Proposal("FAN-SAVINGS", score=0.8)


class Club:
    """A plugin of its own kind of programmes, whose gates are for savings."""

    @hookimpl
    def about(self):
        return About(serves=("club",), guards=("fans",))

    @hookimpl
    def recommenders(self, register):
        register(getattr(propose, MARK))


@pytest.mark.parametrize("serves", [("Bad Kind",), ("club", "Bad Kind", "-x", "a\n"), {"club": 1, "Bad Kind": 2}])
def test_what_a_plugin_serves_are_kinds_as_programmes_have_them(serves):
    bad = ", ".join(repr(word) for word in serves if word != "club")

    with pytest.raises(PluginError) as refused:
        About(serves=serves, guards=("any words",)).check()

    assert str(refused.value) == (f"its serves have {bad}, and a kind is a name of lower-case letters, digits, _ and -")
    About(serves=("club", "2-b_c", ProgrammeKind.CAMPUS), guards=("any words",)).check()


def row(key, **own):
    return {"key": key, "digest": "d", "properties": own}


@pytest.fixture
async def stored(empty_store):
    """What a store has once a club's plugin was loaded over it; its choir is a programme that never had a plugin."""
    await import_rows(empty_store, "programmes", [
        row(code, programme_code=code, kind=kind, name=code) for code, kind in (("LIONS", "club"), ("CHOIR", "choir"))
    ])  # fmt: skip
    told = [("FAN-CARD", "LIONS", None), ("FAN-SAVINGS", None, "fans"), ("CHOIR-CARD", "CHOIR", None),
            ("SAVE", None, None), ("STUDENT-LOAN", None, "study")]  # fmt: skip
    await import_rows(empty_store, "products", [
        row(code, product_code=code, name=code, category="card", programme_code=programme, purpose=purpose)
        for code, programme, purpose in told
    ])  # fmt: skip
    for _ in range(2):
        await remember(empty_store, with_club())
    return Catalogue(await products.catalogue(empty_store))


def with_club():
    host = PluginHost.load()
    host.add(Club(), "club", "here")
    return host


OWN = [Held("FAN-CARD", ("club",)), Held("FAN-SAVINGS", ("club",))]


async def test_with_the_plugin_nothing_is_held_back_and_without_it_all_that_is_its_own(stored):
    assert held_back(stored, with_club()) == []
    assert held_back(stored, PluginHost.load()) == OWN


async def test_a_plugin_that_is_broken_is_not_there(stored):
    host = PluginHost.load()
    host.add(object(), "club", "here")
    host.plugins[-1].state = "broken"

    assert held_back(stored, host) == OWN


async def test_what_is_shipped_is_known_by_a_store_that_never_saw_it_loaded(stored):
    assert held_back(stored, PluginHost.load(shipped=())) == [*OWN, Held("STUDENT-LOAN", ("campus",))]


@pytest.mark.parametrize("stage", [PluginStage.DRAFT, PluginStage.SHADOW, PluginStage.RETIRED])
async def test_nobody_is_offered_what_is_of_a_plugin_that_is_not_in_service(stored, stage, person):
    engine = build_engine(stored, with_club(), None, Lives({"club": Life(stage)}))

    assert refusals(engine, person()) == {"FAN-CARD": True, "FAN-SAVINGS": True, "SAVE": False, "CHOIR-CARD": False}


async def test_in_shadow_it_is_counted_what_it_would_offer_of_its_own_and_nothing_that_others_refuse(stored, person):
    shadows = Shadows()
    engine = build_engine(stored, with_club(), None, Lives({"club": Life(PluginStage.SHADOW)}), shadows)
    engine.answer([person()], Context(TODAY, Channel.MOBILE))
    engine.answer([person()], Context(TODAY, Channel.MOBILE, exclude=("FAN-SAVINGS",)))
    shadows.settle()
    shadows.close()

    best = {code: count.best for (_, _, code), count in shadows.take().counts.items()}
    assert best == {None: 1, "FAN-CARD": 0, "FAN-SAVINGS": 1}  # who is no member gets no card


async def test_its_products_are_for_its_share_alone(stored, person):
    engine = build_engine(stored, with_club(), None, Lives({"club": Life(PluginStage.SHARE, 50)}))

    inside = {number: is_in_share("club", number, 50) for number in ("C1", "C2", "C3", "C4", "C5", "C6")}

    assert set(inside.values()) == {True, False}
    assert {number: refusals(engine, person(number))["FAN-SAVINGS"] for number in inside} == {
        number: not is_inside for number, is_inside in inside.items()
    }


def refusals(engine, person):
    context = Context(TODAY, Channel.MOBILE)
    return {
        code: "PLUGIN_MISSING" in [refusal.code for refusal in engine.decide(person, code, context).refusals]
        for code in ("FAN-CARD", "FAN-SAVINGS", "SAVE", "CHOIR-CARD")
    }


@pytest.mark.parametrize("words", ["club", (1,), ("",)])
def test_what_is_its_own_is_a_collection_of_words(words):
    class Wrong:
        @hookimpl
        def about(self):
            return About(serves=words)

    info = PluginHost.load().add(Wrong(), "wrong", "here")

    assert (info.state, info.error) == (
        "broken", f"PluginError: its serves are {words!r}, which are no collection of words"
    )  # fmt: skip

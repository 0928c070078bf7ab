"""Plugins under settings: how each size is given them, and what a change at run time leaves as it was."""

from datetime import date

import numpy as np
import pytest

from graph.errors import NotFound, PluginError
from graph.records import StoredSettings
from plugins.host import PluginHost
from plugins.settings.held import Sources, WrongSetting
from recommenders.artefact import Model

TODAY = date(2026, 6, 30)
MODEL = """
from pydantic import BaseModel, Field
import guanxi
from guanxi import About, Lever, Proposal, hookimpl, recommender, say

class Settings(BaseModel, frozen=True):
    code: str = Field("A", description="What to propose.")
    score: float = Field(0.5, ge=0, le=1, description="How strongly.")
    name: str = Field("mine", description="What it is called.")

@hookimpl
def about():
    return About(settings=Settings)
"""
FUNCTION = (
    MODEL
    + """
@recommender("mine")
def propose(customer, catalogue, settings: Settings):
    yield Proposal(settings.code, settings.score)
"""
)
SHORT = FUNCTION.replace("customer, catalogue, settings", "customer, *, settings")
HOOKS = (
    MODEL
    + """
import numpy as np
from guanxi import BundleRule, Candidates

class Mine:
    version = "1"
    def __init__(self, settings):
        self.name, self.settings = settings.name, settings
    def propose(self, batch):
        scores = np.full(batch.shape, np.nan, np.float32)
        scores[:, batch.catalogue.index[self.settings.code]] = self.settings.score
        return Candidates(scores, lambda row, column: None)

@hookimpl
def recommenders(register, settings):
    if settings.score == 0.125:
        raise RuntimeError("no such score")
    register(Mine(settings))

@hookimpl
def bundles(register, catalogue, settings):
    register(BundleRule(f"WITH-{settings.code}", (settings.code,), say("With", "配"), say("With", "配")))

@hookimpl
def levers(settings, register):
    register(Lever("more", {settings.code: 1 + settings.score}))
"""
)


def stored(version=1, plugin="mine", **settings):
    return {plugin: StoredSettings(plugin, version, settings)}


@pytest.fixture
def proposed(batch, person, catalogue):
    """Return a function: the one score that the recommender ``mine`` of a host gives, by product."""

    def ask(host):
        [mine] = [own for own in host.recommenders() if own.name == "mine"]
        scores = mine.propose(batch([person()], catalogue("A", "B"))).scores[0]
        return {code: float(score) for code, score in zip("AB", scores, strict=True) if not np.isnan(score)}

    return ask


def info_of(host, name="mine"):
    return next(info for info in host.plugins if info.name == name)


@pytest.mark.parametrize("source", [FUNCTION, SHORT, HOOKS])
def test_every_size_is_given_its_settings_and_anew_when_they_change(host_of, proposed, source):
    host = host_of(mine=source)
    assert (proposed(host), info_of(host).settings_version) == ({"A": 0.5}, 0)

    assert host.take_settings(stored(1, code="B"))
    assert (proposed(host), info_of(host).settings_version) == ({"B": 0.5}, 1)
    assert not host.take_settings(stored(1, code="B"))

    assert host.take_settings(stored(2))
    assert (proposed(host), info_of(host).settings_version) == ({"A": 0.5}, 2)
    assert host.take_settings({})
    assert info_of(host).settings_version == 0


def test_bundles_and_levers_follow_the_settings(host_of, catalogue):
    host = host_of(mine=HOOKS)
    host.take_settings(stored(code="B", score=1))
    rules = host.rules(catalogue("A", "B"))
    assert ([rule.code for rule in rules.bundles], [lever.factors for lever in rules.levers]) == (
        ["WITH-B"],
        [{"B": 2}],
    )


def test_file_and_environment_are_under_what_staff_has_set(plugin_folder, proposed):
    sources = Sources({"mine": {"code": "B", "score": 0.25}}, {"GUANXI_PLUGIN_MINE_SCORE": "0.75"})
    host = PluginHost.load([plugin_folder(mine=FUNCTION)], sources=sources)
    assert proposed(host) == {"B": 0.75}
    host.take_settings(stored(score=1))
    assert proposed(host) == {"B": 1}


@pytest.mark.parametrize(
    ("sources", "told"),
    [
        (Sources({"mine": {"score": 2}}), "WrongSetting: the setting 'score' from the settings' file: Input should be less than or equal to 1"),
        (Sources({}, {"GUANXI_PLUGIN_MINE_SCORE": "x"}), "WrongSetting: GUANXI_PLUGIN_MINE_SCORE: Input should be a valid number, unable to parse string as a number"),
    ],
)  # fmt: skip
def test_wrong_values_break_their_plugin_alone(plugin_folder, answers, person, catalogue, sources, told):
    other = FUNCTION.replace('"mine"', '"other"').replace('"A"', '"B"')
    shelf = catalogue("A", "B")
    without = PluginHost.load([plugin_folder(other=other)])
    expected = answers(without, [person()], shelf)
    host = PluginHost.load([plugin_folder(mine=FUNCTION)], sources=sources)
    assert (info_of(host).state, info_of(host).error) == ("broken", told)
    assert info_of(host, "other").state == "loaded"
    assert answers(host, [person()], shelf) == expected
    with pytest.raises(NotFound, match="'mine': it is broken, and guanxi plugins says by what"):
        host.named("mine")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"score": 2}, "settings: WrongSetting: the setting 'score' set at run time: Input should be less than or equal to 1"),
        ({"was_there": 2}, "settings: WrongSetting: the setting 'was_there' set at run time: there is no setting 'was_there'"),
        ({"score": 0.125}, "settings: RuntimeError: no such score"),
        ({"name": "other"}, "settings: PluginError: under them its recommenders would be ['other'], and names must stay: ['mine']"),
    ],
)  # fmt: skip
def test_what_is_stored_and_cannot_be_breaks_it_until_it_can(host_of, answers, person, catalogue, settings, told):
    shelf = catalogue("A", "B")
    expected = answers(host_of(), [person()], shelf)
    host = host_of(mine=HOOKS)
    before = answers(host, [person()], shelf)

    host.take_settings(stored(1, **settings))
    assert (info_of(host).state, info_of(host).error, info_of(host).settings_version) == ("broken", told, 1)
    assert answers(host, [person()], shelf) == expected

    host.take_settings(stored(2))
    assert (info_of(host).state, info_of(host).error, info_of(host).settings_version) == ("loaded", None, 2)
    assert answers(host, [person()], shelf) == before


def test_a_change_leaves_every_other_plugin_as_it_was(host_of):
    host = host_of(mine=FUNCTION, other=FUNCTION.replace('"mine"', '"other"'))
    before = [recommender for recommender in host.recommenders() if recommender.name != "mine"]
    host.take_settings(stored(code="B"))
    after = [recommender for recommender in host.recommenders() if recommender.name != "mine"]
    assert len(after) == len(before)
    assert all(one is other for one, other in zip(before, after, strict=True))


def test_health_is_kept_over_a_change(host_of, answers, person, catalogue):
    host = host_of(mine=FUNCTION)
    answers(host, [person()], catalogue("A", "B"))
    host.take_settings(stored(code="B"))
    answers(host, [person()], catalogue("A", "B"))
    assert [info.calls for info in host.recommending.infos() if info.name == "mine"] == [2]


def test_a_trial_changes_nothing(host_of, proposed):
    host = host_of(mine=HOOKS)
    host.try_settings("mine", {"code": "B"})
    for wrong, kind in [({"score": 2}, WrongSetting), ({"name": "x"}, PluginError), ({"score": 0.125}, RuntimeError)]:
        with pytest.raises(kind):
            host.try_settings("mine", wrong)
    assert (proposed(host), info_of(host).state) == ({"A": 0.5}, "loaded")


def test_a_trial_goes_well_beside_a_change_that_another_makes_meanwhile(host_of):
    host = host_of(mine=FUNCTION)
    registered = host._registered

    def slow(*given):
        tried = registered(*given)
        host._registered = registered
        assert host.take_settings(stored(code="B"))
        return tried

    host._registered = slow
    host.try_settings("mine", {"score": 0.75})


def test_a_plugin_is_known_by_either_spelling_of_its_name(host_of):
    host = host_of(salary_card=FUNCTION)
    assert host.named("salary-card").name == "salary_card"
    for unknown in ("salary", "campus"):
        with pytest.raises(NotFound):
            host.named(unknown)


def test_two_of_one_name_cannot_both_have_settings(tmp_path, host_of):
    host = host_of(mine=FUNCTION)
    (tmp_path / "mine.py").write_text(FUNCTION.replace('"mine"', '"other"'))
    again = host.add_path(tmp_path / "mine.py")
    assert again.error == f"PluginError: a plugin named 'mine' with settings is there, from {info_of(host).source}"


def test_a_function_that_takes_settings_needs_a_model(host_of):
    host = host_of(mine=FUNCTION.replace("settings=Settings", ""))
    assert (
        info_of(host).error == "PluginError: the function of 'mine' takes settings, and its plugin's About names none"
    )


@pytest.mark.parametrize("bad", ["dict", "int()", "Settings()"])
def test_settings_that_are_no_model_break_the_plugin(host_of, bad):
    host = host_of(mine=FUNCTION.replace("settings=Settings", f"settings={bad}"))
    assert info_of(host).state == "broken"
    assert "which is no pydantic model" in info_of(host).error


def test_a_hook_that_names_no_settings_is_given_none(host_of):
    source = MODEL + "@hookimpl\ndef recommenders(register):\n    pass\n"
    assert info_of(host_of(mine=source)).state == "loaded"


def test_learnt_arrays_stay_with_the_recommender_under_new_settings(host_of):
    source = (
        MODEL
        + """
from dataclasses import dataclass
import numpy as np

@dataclass
class Learns:
    settings: Settings
    arrays: object = None
    name = "mine"
    version = "1"
    def fit(self, portfolio):
        return {"n": np.array([7.0])}
    def with_arrays(self, arrays, product_codes):
        return Learns(self.settings, arrays)
    def propose(self, batch):
        raise NotImplementedError

@hookimpl
def recommenders(register, settings):
    register(Learns(settings))
"""
    )
    host = host_of(mine=source)
    model = Model(("A", "B"), TODAY, {"mine": {"n": np.array([7.0])}}, versions={"mine": "1"})
    host.take_settings(stored(code="B"))
    [mine] = [guarded.inner.inner.inner for guarded in host.recommending.guarded(model) if guarded.name == "mine"]
    assert (mine.settings.code, mine.arrays["n"][0]) == ("B", 7)

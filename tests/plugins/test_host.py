from dataclasses import replace
from datetime import timedelta

import pytest

from graph.records import ActivityMonth, Membership
from graph.words import Language, MemberRole, ProgrammeKind
from guanxi import About, Job, Lever, Proposal, hookimpl, recommender
from plugins.deciding import build_engine
from plugins.hookspecs import bundles, gates, recommenders
from plugins.host import DEFAULT_PLUGINS, PluginHost
from recommenders.artefact import Model
from recommenders.contract import BundleRule, Context
from recommenders.gates import Explanation, Rule, say
from tests.plugins.sources import CLASS, FUNCTION

GRADUATE = """
from guanxi import Proposal, recommender

@recommender("graduate-first-mortgage")
def propose(customer, catalogue):
    '''Campus-card alumni with three steady salary years get the first-home mortgage.'''
    if customer.member_of("campus") and customer.salary_months >= 36:
        yield Proposal("MORTGAGE", score=0.8, reason="three years of steady salary")
"""
FAIL_WHEN_ASKED = {
    "raises": (FUNCTION.format("raise RuntimeError('not today')"), "RuntimeError: not today"),
    "ends the process": (FUNCTION.format("raise SystemExit(3)"), "SystemExit"),
    "yields texts": (FUNCTION.format("yield 'MORTGAGE'"), "TypeError: gave str, not a Proposal"),
    "returns a number": (FUNCTION.format("return 5"), "TypeError: 'int' object is not iterable"),
    "scores with nan": (FUNCTION.format("yield Proposal('SAVE', float('nan'))"), "ValueError: gave SAVE the score nan"),
    "scores above one": (FUNCTION.format("yield Proposal('SAVE', 2)"), "ValueError: gave SAVE the score 2"),
    "an unknown product": (FUNCTION.format("yield Proposal('MOON', 0.5)"), "ValueError: proposed 'MOON'"),
    "sleeps for ever": (FUNCTION.format("import time; time.sleep(10**6)"), "TimeoutError: took longer than"),
    "a wrong call": (FUNCTION.format("return customer.no_such_thing"), "AttributeError"),
    "the wrong shape": (CLASS.format("Candidates(np.zeros((1, 1)), None)"), "ValueError: gave scores of shape (1, 1)"),
    "infinite scores": (CLASS.format("Candidates(np.full(batch.shape, np.inf), None)"), "ValueError: gave scores that"),
    "nothing": (CLASS.format("None"), "TypeError: gave NoneType, not Candidates"),
}
FAIL_WHEN_LOADED = {
    "raises": ("raise RuntimeError('not today')", "RuntimeError: not today"),
    "ends the process": ("import sys; sys.exit(3)", "SystemExit: 3"),
    "imports what is not there": ("import no_such_module_anywhere", "ModuleNotFoundError: No module named"),
    "is no Python": ("def propose(:\n", "SyntaxError"),
    "is not text": ("\x00", "source code string cannot contain null bytes"),
    "a name that is taken": (FUNCTION.replace("mine", "popularity").format("return"), "PluginError: a recommender named 'popularity' is there already"),
    "a name twice": (FUNCTION.format("return") + FUNCTION.replace("propose", "other").format("return"), "PluginError: a recommender named 'mine'"),
    "a hook that raises": ("from guanxi import hookimpl\n@hookimpl\ndef recommenders(register):\n    1 / 0", "ZeroDivisionError"),
    "a hook that ends the process": ("from guanxi import hookimpl\n@hookimpl\ndef gates(register):\n    raise SystemExit(3)", "SystemExit"),
    "a hook of other arguments": ("from guanxi import hookimpl\n@hookimpl\ndef recommenders(give_me):\n    pass", "PluginValidationError"),
    "no recommender": ("from guanxi import hookimpl\n@hookimpl\ndef recommenders(register):\n    register('x')", "PluginError: registered str, which is no recommender"),
    "no gate": ("from guanxi import hookimpl\n@hookimpl\ndef gates(register):\n    register('x')", "PluginError: registered str, which is no gate"),
    "a hook without its mark": ("def gates(register):\n    pass", "PluginError: gates has a hook's name and is none"),
    "a hook that there is none of": ("from guanxi import hookimpl\n@hookimpl\ndef feilds(register):\n    pass", "PluginError: feilds is below @hookimpl, and there is no hook 'feilds'. Is fields meant?"),
    "a hook by another name that there is none of": ("from guanxi import hookimpl\n@hookimpl(specname='gate')\ndef mine(register):\n    pass", "PluginError: mine is below @hookimpl, and there is no hook 'gate'. Is gates meant?"),
    "half a character in a recommender's name": (FUNCTION.replace("mine", r"\ud800").format("return"), r"PluginError: registered a recommender whose name '\ud800' has a lone surrogate"),
    "half a character in a recommender's version": (CLASS.format("None").replace('"1"', r"'\ud800'"), r"PluginError: registered a recommender whose version '\ud800' has a lone surrogate"),
    "half a character in an event's code": (r"from guanxi import LifeEvent, hookimpl, say" + "\n@hookimpl\ndef events(register):\n    register(LifeEvent('\\ud800', say('A', 'B'), id))", r"PluginError: registered a life event whose code '\ud800' has a lone surrogate"),
    "what it says of itself, without a hook": ("from guanxi import About\nabout = About()", "PluginError: about has a hook's name and is none"),
}  # fmt: skip


@pytest.fixture
def bank(catalogue, product):
    return catalogue(
        product("CAMPUS-CARD-1", category="card", programme_code="CAMPUS-1", margin=12.0),
        product("CARD", category="card", margin=180.0),
        product("MORTGAGE", category="mortgage", margin=2_400.0),
        product("SAVE", margin=10.0),
    )


@pytest.fixture
def crowd(person):
    """A campus member with three steady salary years, one with fewer, and one who is no member."""
    salaried = tuple(
        ActivityMonth(f"{year}-{month:02}", salary=9_000.0) for year in (2023, 2024, 2025) for month in range(1, 13)
    )
    member = (Membership("CAMPUS-1", ProgrammeKind.CAMPUS, MemberRole.TEACHER),)
    return [
        person("STEADY", memberships=member, activity=salaried),
        person("RECENT", memberships=member, activity=salaried[-6:]),
        person("STRANGER", activity=salaried),
    ]


def offers(answers):
    """Everything offered, but for the trace, which names who was left out."""
    return [
        ([replace(offer, trace=()) for offer in answer.offers], [bundle.rule.code for bundle in answer.bundles])
        for answer in answers
    ]


def info(host, name="mine"):
    [found] = [info for info in host.recommending.infos() if info.name == name]
    return found


def plugin(host, name="own"):
    [found] = [plugin for plugin in host.plugins if plugin.name == name]
    return found


def test_a_plugin_dropped_into_the_folder_changes_the_offers_of_those_it_speaks_of(host_of, answers, crowd, bank):
    before, after = (answers(host_of(**sources), crowd, bank) for sources in ({}, {"graduate": GRADUATE}))
    steady, mortgage = after[0], after[0].offers[0]

    assert before[0].offers[0].product.product_code != "MORTGAGE"
    assert mortgage.product.product_code == "MORTGAGE"
    assert mortgage.recommenders == ("graduate-first-mortgage", "popularity")
    assert mortgage.reasons[0].text[Language.EN] == "three years of steady salary"
    assert mortgage.reasons[0].path == ("STEADY", "PROPOSED_BY", "graduate-first-mortgage", "OFFERS", "MORTGAGE")
    assert steady.omitted == ()
    assert after[1:] == before[1:]


def test_a_plugin_is_listed_with_its_recommenders(host_of):
    host = host_of(graduate=GRADUATE)
    listed = plugin(host, "graduate")

    assert [shipped.name for shipped in host.plugins[:6]] == [
        "shipped",
        "campus",
        "tobacco",
        "family",
        "cobranded",
        "sample_bank",
    ]
    assert {shipped.state for shipped in host.plugins} == {"loaded"}
    assert listed.source.endswith("graduate.py")
    assert listed.recommenders == ["graduate-first-mortgage"]
    assert (info(host, "graduate-first-mortgage").plugin, info(host, "graduate-first-mortgage").state) == (
        "graduate",
        "ready",
    )


def test_files_that_are_no_plugins_are_passed_over(host_of):
    host = host_of(_private="1 / 0", test_own="1 / 0", own=GRADUATE)

    assert [listed.name for listed in host.plugins[len(DEFAULT_PLUGINS) :]] == ["own"]


@pytest.mark.parametrize(("source", "error"), FAIL_WHEN_ASKED.values(), ids=FAIL_WHEN_ASKED)
def test_a_plugin_that_fails_when_asked_is_named_and_leaves_all_other_offers(
    host_of, answers, crowd, bank, budget, source, error
):
    budget(2.0)
    alone = answers(host_of(graduate=GRADUATE), crowd, bank)
    host = host_of(graduate=GRADUATE, own=source)

    beside = answers(host, crowd, bank)

    assert offers(beside) == offers(alone)
    assert {answer.omitted for answer in beside} == {("mine",)}
    assert error in info(host).last_error
    assert (info(host).failures, info(host).plugin) == (1, "own")
    assert info(host).state in {"failing", "busy"}
    assert [info(host, other.name).failures for other in host.recommending.infos() if other.name != "mine"] == [0] * 9


@pytest.mark.parametrize(("source", "error"), FAIL_WHEN_LOADED.values(), ids=FAIL_WHEN_LOADED)
def test_a_plugin_that_cannot_be_loaded_is_listed_as_broken_and_leaves_all_offers(
    host_of, answers, crowd, bank, source, error
):
    alone = answers(host_of(graduate=GRADUATE), crowd, bank)
    host = host_of(graduate=GRADUATE, own=source)

    beside = answers(host, crowd, bank)

    assert beside == alone
    assert plugin(host).state == "broken"
    assert error in plugin(host).error
    assert {listed.state for listed in host.plugins if listed.name != "own"} == {"loaded"}
    assert "mine" not in {listed.name for listed in host.recommending.infos()}


REASONS = {
    "raises": ("lambda r, c: 1 / 0", "ZeroDivisionError"),
    "is a text": ("lambda r, c: 'because'", "TypeError: gave str, not a Reason"),
    "has numbers in its path": ("lambda r, c: Reason('mine', (1, 2), {'en': 'a', 'zh': 'b'})", "TypeError: gave a reason whose path"),
    "has one language": ("lambda r, c: Reason('mine', ('x',), {'en': 'a'})", "TypeError: gave a reason without a text"),
    "has a number for a text": ("lambda r, c: Reason('mine', ('x',), 5)", "TypeError: gave a reason without a text"),
}  # fmt: skip


@pytest.mark.parametrize(("reason", "error"), REASONS.values(), ids=REASONS)
def test_a_reason_that_is_none_is_left_out_and_counted(host_of, answers, crowd, bank, reason, error):
    host = host_of(own=CLASS.format(f"Candidates(np.full(batch.shape, 0.9, np.float32), {reason})"))

    answered = answers(host, crowd, bank)

    assert all(offer.recommenders[0] == "mine" for offer in answered[2].offers)
    assert {said.recommender for answer in answered for offer in answer.offers for said in offer.reasons}.isdisjoint({"mine"})  # fmt: skip
    assert error in info(host).last_error
    assert info(host).failures > 0


def test_a_bundle_hook_that_raises_costs_its_own_plugin_its_bundles_only(host_of, bank, caplog):
    host = host_of(
        own="from guanxi import hookimpl\n@hookimpl\ndef bundles(register, catalogue):\n    1 / 0",
    )

    assert host.rules(bank).bundles == host_of().rules(bank).bundles
    assert (plugin(host).state, plugin(host).error) == ("failing", "rules: ZeroDivisionError: division by zero")
    assert "plugin own failed: rules: ZeroDivisionError in own.py:4" in caplog.messages


def test_a_bundle_hook_that_failed_is_asked_again_for_the_next_engine(bank):
    class Sometimes:
        fails = True

        @hookimpl
        def bundles(self, register):
            if self.fails:
                raise OSError("not yet")
            register(BundleRule("PAIR", ("SAVE", "CARD"), say("Pair", "一对"), say("Cheaper", "更便宜")))

    host, sometimes = PluginHost(), Sometimes()
    found = host.add(sometimes, "sometimes", "test")

    assert [host.rules(bank).bundles, host.rules(bank).bundles] == [[], []]
    assert (found.state, found.error, found.failures) == ("failing", "rules: OSError: not yet", 2)

    sometimes.fails = False

    assert [rule.code for rule in host.rules(bank).bundles] == ["PAIR"]
    assert (found.state, found.error, found.failures) == ("loaded", None, 2)


PAIR = "BundleRule('PAIR', ('SAVE',), {'en': 'Pair', 'zh': 'P'}, {'en': 'Pair', 'zh': 'P'})"


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ("'x'", "registered str, which is no bundle rule"),
        ("BundleRule('PAIR', (), {}, {})", "the bundle 'PAIR', whose products are no product codes"),
        ("BundleRule('PAIR', ('SAVE', 5), {}, {})", "the bundle 'PAIR', whose products are no product codes"),
        ("BundleRule('PAIR', 5, {}, {})", "TypeError"),
        ("BundleRule(None, ('SAVE',), {}, {})", "a bundle by the code None, which is no text or is taken"),
        (f"{PAIR}); register({PAIR}", "a bundle by the code 'PAIR', which is no text or is taken"),
        ("BundleRule('PAIR', ('SAVE',), 'Pair', {})", "the bundle 'PAIR' without a title and benefit in each language"),
        ("BundleRule('PAIR', ('SAVE',), {'en': 'Pair'}, {})", "'PAIR' without a title and benefit in each language"),
        (PAIR.replace("'P'", r"'\ud800'"), "'PAIR' without a title and benefit in each language"),
        (PAIR.replace("'PAIR'", r"'\ud800'"), r"a bundle by the code '\ud800', which is no text or is taken"),
    ],
)
def test_a_bundle_that_is_none_costs_its_own_plugin_its_bundles_only(host_of, answers, crowd, bank, given, error):
    hook = "from guanxi import BundleRule, hookimpl\n@hookimpl\ndef bundles(register, catalogue):\n"
    host = host_of(own=f"{hook}    register({given})")

    assert answers(host, crowd, bank) == answers(host_of(), crowd, bank)
    assert error in plugin(host).error


def test_a_bundle_of_products_that_the_bank_does_not_have_is_never_offered(host_of, answers, crowd, bank):
    host = host_of(
        own="""
from guanxi import BundleRule, hookimpl

@hookimpl
def bundles(register, catalogue):
    register(BundleRule("MOON", ("SAVE", "MOON-CARD"), {}, {}))
""",
    )

    assert offers(answers(host, crowd, bank)) == offers(answers(host_of(), crowd, bank))


def test_a_folder_that_is_not_there_is_listed_as_broken(tmp_path, plugin_folder, answers, crowd, bank):
    folder = plugin_folder(graduate=GRADUATE)
    host = PluginHost.load([tmp_path / "nowhere", folder])

    assert (plugin(host, "nowhere").state, plugin(host, "nowhere").error) == (
        "broken",
        "PluginError: there is no such folder",
    )
    assert plugin(host, "nowhere").source == str(tmp_path / "nowhere")
    assert answers(host, crowd, bank) == answers(PluginHost.load([folder]), crowd, bank)


def test_a_folder_given_twice_is_taken_once(plugin_folder, answers, crowd, bank):
    folder = plugin_folder(
        own=GRADUATE
        + """
from guanxi import BundleRule, hookimpl

@hookimpl
def bundles(register, catalogue):
    text = {"en": "Home", "zh": "家"}
    register(BundleRule("HOME", ("MORTGAGE", "SAVE"), text, text))
""",
    )
    once, twice = PluginHost.load([folder]), PluginHost.load([folder, folder])

    assert [rule.code for rule in twice.rules(bank).bundles] == [rule.code for rule in once.rules(bank).bundles]
    assert answers(twice, crowd, bank) == answers(once, crowd, bank)
    assert [(listed.state, listed.error) for listed in twice.plugins[len(DEFAULT_PLUGINS) :]] == [
        ("loaded", None),
        ("broken", "PluginError: it is loaded already"),
    ]


def test_plugins_of_one_name_in_two_folders_both_work(plugin_folder, tmp_path, answers, crowd, bank):
    first = plugin_folder(own=GRADUATE)
    second = tmp_path / "more"
    second.mkdir()
    (second / "own.py").write_text(FUNCTION.format("yield Proposal('CARD', 1.0)"))
    host = PluginHost.load([first, second])

    named = {name for offer in answers(host, crowd, bank)[0].offers for name in offer.recommenders}

    assert {"mine", "graduate-first-mortgage"} <= named
    assert [listed.state for listed in host.plugins[len(DEFAULT_PLUGINS) :]] == ["loaded", "loaded"]


def test_one_that_keeps_failing_is_switched_off_and_its_counts_outlive_a_new_engine(host_of, answers, crowd, bank):
    host = host_of(own=FUNCTION.format("raise RuntimeError('not today')"))

    for _ in range(5):
        answers(host, crowd, bank)

    assert info(host).state == "off"
    assert (info(host).calls, info(host).failures) == (3, 3)
    assert info(host, "campus").calls == 5
    assert info(host, "campus").mean_ms >= 0


def test_without_a_model_the_trainable_are_untrained_and_popularity_still_answers(host_of, bank):
    host = host_of()

    engine = build_engine(bank, host, None)

    assert {listed.name: listed.state for listed in host.recommending.infos()} == dict.fromkeys(["als", "relations"], "untrained") | dict.fromkeys(["lifecycle", "popularity", "campus", "tobacco", "family", "cobranded"], "ready")  # fmt: skip
    assert [member.name for member in engine.recommenders] == [
        "lifecycle",
        "campus",
        "tobacco",
        "family",
        "cobranded",
        "popularity",
    ]


def test_a_model_that_lacks_popularity_leaves_it_as_the_fallback(host_of, answers, crowd, bank, context):
    host = host_of()
    model = Model(bank.codes, context().today, {})

    named = {name for offer in answers(host, crowd, bank, model)[0].offers for name in offer.recommenders}

    assert "popularity" in named
    assert info(host, "als").state == "untrained"


def test_gates_of_plugins_come_after_the_banks_own_and_refuse(bank, person):
    class NoCards:
        @hookimpl
        def gates(self, register):
            register(
                Rule(
                    "eligibility",
                    "NO_CARDS",
                    lambda batch: batch.per_product(lambda product: product.category == "card")[None, :] > 0,
                    lambda *_: Explanation(say("No cards.", "无卡。"), "a card"),
                )
            )

    host = PluginHost.load()
    host.add(NoCards(), "no-cards", "test")
    engine = build_engine(bank, host, None)
    asked = Context(person().birth_date.replace(year=2026), top=99)

    assert [gate.code for gate in host.gates()][-1] == "NO_CARDS"
    assert {offer.product.category for offer in engine.answer([person()], asked)[0].offers} == {"mortgage", "deposit"}
    assert [refusal.code for refusal in engine.decide(person(), "CARD", asked).refusals] == ["NO_CARDS"]


@pytest.mark.parametrize(
    ("refuses", "error"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("[[0.5]]", "TypeError: gave float64, not booleans"),
        ("np.zeros((7, 7), bool)", "ValueError"),
    ],
)
def test_a_gate_that_fails_refuses_everything_and_says_so(
    host_of, answers, crowd, bank, person, context, refuses, error
):
    host = host_of(
        own=f"""
import numpy as np

from guanxi import hookimpl

class Own:
    gate, code = "eligibility", "OWN"

    def refuses(self, batch):
        return np.asarray({refuses})

    def explain(self, customer, product):
        return "because"

@hookimpl
def gates(register):
    register(Own())
"""
    )

    assert all(answer.offers == () for answer in answers(host, crowd, bank))
    assert plugin(host).state == "failing"
    assert error in plugin(host).error
    [refusal] = build_engine(bank, host, None).decide(person(), "CARD", context()).refusals
    assert (refusal.gate, refusal.code, refusal.saw) == ("eligibility", "OWN", "unknown")
    assert refusal.text["en"] == "A rule could not be checked."
    assert plugin(host).error == "TypeError: gave no refusal with a text in each language"


def test_bundle_rules_of_plugins_are_over_the_catalogue_given(bank):
    class Pairs:
        @hookimpl
        def bundles(self, register, catalogue):
            register(BundleRule("PAIR", catalogue.codes[:2], say("Pair", "一对"), say("Cheaper", "更便宜")))

    host = PluginHost.load()
    host.add(Pairs(), "pairs", "test")

    assert {rule.code: rule.products for rule in host.rules(bank).bundles} == {"PAIR": ("CAMPUS-CARD-1", "CARD")}


def test_levers_of_plugins_multiply(bank):
    def weighing(name, factors):
        class Weighing:
            @hookimpl
            def levers(self, register, catalogue):
                assert catalogue is bank
                register(Lever(name, factors))

        return Weighing()

    host = PluginHost()
    host.add(weighing("spring", {"CARD": 2.0, "MORTGAGE": 0.5}), "spring", "test")
    host.add(weighing("cards", {"CARD": 3.0}), "cards", "test")
    host.add(weighing("wrong", {"CARD": -1.0}), "wrong", "test")
    host.add(weighing("\ud800", {"CARD": 5.0}), "half", "test")

    engine = build_engine(bank, host, None)
    factors = dict(zip(bank.codes, engine.arbitration.lever_factors(), strict=True))
    assert {code: factor for code, factor in factors.items() if factor != 1} == {"CARD": 6.0, "MORTGAGE": 0.5}
    assert [info.error for info in host.plugins] == [
        None, None, "rules: PluginError: registered the lever 'wrong', whose factor of 'CARD' is -1.0",
        r"rules: PluginError: registered a lever whose name '\ud800' has a lone surrogate, which is no text",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("own", "why"),
    [
        (About(api=">=2"), "it is for the plugin API >=2, and this is 1.0"),
        (About(api="newest"), "its api 'newest' is no version specifier"),
        ("me", "says of itself str, which is no About"),
        (About(version="\ud800"), r"its version '\ud800' has a lone surrogate, which is no text"),
        (About(guards=("\ud800",)), r"its guards are ('\ud800',), which are no collection of words"),
        (About(owner="\ud800"), r"its owner '\ud800' has a lone surrogate, which is no text"),
    ],
)
def test_a_plugin_that_is_for_another_api_is_broken(own, why):
    class Other:
        @hookimpl
        def about(self):
            return own

    assert PluginHost().add(Other(), "other", "test").error == f"PluginError: {why}"


def test_two_jobs_of_one_name_are_an_error():
    def work(hook, item):
        return type("Work", (), {hook: staticmethod(hookimpl(specname=hook)(lambda register: register(item)))})()

    job = Job("nightly", "Nothing, every night.", timedelta(days=1), print)
    host = PluginHost()

    assert host.add(work("jobs", job), "one", "here").error is None
    assert host.add(work("jobs", job), "two", "there").error == (
        "PluginError: a job named 'nightly' is there already, from here"
    )
    assert [(item.name, info.name) for item, info in host.of("jobs")] == [("nightly", "one")]


def test_a_function_of_two_names_is_one_recommender(host_of):
    host = host_of(own=FUNCTION.format("return") + "\nthe_same = propose\n")

    assert (plugin(host).state, plugin(host).recommenders) == ("loaded", ["mine"])


def test_a_namespace_with_a_marked_function_is_a_plugin():
    class Plugin:
        @staticmethod
        def other():
            """Is not marked."""

    Plugin.propose = recommender("inline")(lambda _: [Proposal("SAVE", 0.5)])
    host = PluginHost()

    added = host.add(Plugin, "inline", "test")

    assert (added.state, added.recommenders) == ("loaded", ["inline"])


def test_the_hooks_are_all_that_a_plugin_can_add():
    hooks = {hook.__name__ for hook in (bundles, gates, recommenders)}

    assert {name for module in DEFAULT_PLUGINS for name in vars(module) if name in hooks} == hooks

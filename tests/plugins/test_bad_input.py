"""A plugin that fails, in every way: what all others offer is the same to the bit, in threads and in processes."""

import gc
import locale
import logging
import os
import random
import time
from dataclasses import replace

import numpy as np
import pytest

from graph import customers
from guanxi.testing.drawn import UNTIL
from plugins.deciding import build_engine
from plugins.host import PluginHost
from plugins.isolation.modes import Isolation
from recommenders.contract import Context
from tests.plugins.sources import CLASS, FUNCTION

THREAD, PROCESS = Isolation("thread"), Isolation("process", memory_mb=256)
GRADUATE = """
from guanxi import Proposal, recommender

@recommender("graduate")
def propose(customer, catalogue):
    if customer.age and customer.age < 40:
        yield Proposal("MORTGAGE", score=0.8, reason="young")
"""
HOOK = "from guanxi import *\nfrom guanxi import hookimpl\n\n@hookimpl\ndef {}(register{}):\n    {}\n"
CASES = {
    "an exception": FUNCTION.format("raise RuntimeError('not today')"),
    "the end of the process": FUNCTION.format("import os; raise SystemExit(3)"),
    "a wrong type": FUNCTION.format("yield 'MORTGAGE'"),
    "nan": FUNCTION.format("yield Proposal('SAVINGS', float('nan'))"),
    "infinity": CLASS.format("Candidates(np.full(batch.shape, np.inf), None)"),
    "another shape": CLASS.format("Candidates(np.zeros((1, 1)), None)"),
    "objects": CLASS.format("Candidates(np.full(batch.shape, None), None)"),
    "an unknown product": FUNCTION.format("yield Proposal('MOON', 0.5)"),
    "no import": "import no_such_module_anywhere",
    "no Python": "def propose(:\n",
    "an exception when imported": "1 / 0",
    "another version of the API": "from guanxi import About, hookimpl\n\n@hookimpl\ndef about():\n    return About(api='>=9')\n",
    "a name that is taken": FUNCTION.replace("mine", "graduate").format("return"),
    "a gates hook that raises": HOOK.format("gates", "", "1 / 0"),
    "a levers hook that raises": HOOK.format("levers", ", catalogue", "register(Lever('x', {'MORTGAGE': 9.0})); 1 / 0"),
    "a lever that is none": HOOK.format("levers", ", catalogue", "register(Lever('x', {'MORTGAGE': float('nan')}))"),
    "a bundles hook that raises": HOOK.format("bundles", ", catalogue", "1 / 0"),
    "an events hook that raises": HOOK.format("events", "", "1 / 0"),
    "an event that is none": HOOK.format("events", "", "register('x')"),
    "an interrupt": FUNCTION.format("raise KeyboardInterrupt"),
    "the end of a generator": FUNCTION.format("raise GeneratorExit"),
    "no exception of any kind": FUNCTION.format("raise BaseException"),
    "endless recursion": FUNCTION.format("return propose(customer, catalogue)"),
}  # fmt: skip
LOOP = FUNCTION.format("while True: pass")
HOG = FUNCTION.format("hog = [bytearray(2**20) for _ in range(10**5)]")
EXIT = FUNCTION.format("import os; os._exit(3)")
IN_C = "import sys; sys.setrecursionlimit(10**8); deep = lambda _: max([1], key=deep); deep(1)"
ONLY_APART = {
    "an endless loop": LOOP,
    "a memory hog": HOG,
    "a process that ends": EXIT,
    "ten million proposals": FUNCTION.format("return [Proposal('SAVINGS', 0.5)] * 10**7"),
    "endless recursion in C": FUNCTION.format(IN_C),
    "the end of its parent": FUNCTION.format("import os, time; os.kill(os.getppid(), 9); time.sleep(10**6)"),
    "the end of its group": FUNCTION.format("import os; os.killpg(0, 9)"),
    "closed files": FUNCTION.format("import os; os.closerange(0, 1024)"),
    "words of its own to the host": FUNCTION.format(
        "import os, stat\n    for fd in map(int, os.listdir('/proc/self/fd')):\n"
        "        if fd > 2 and os.path.exists(f'/proc/self/fd/{fd}') and stat.S_ISSOCK(os.fstat(fd).st_mode):\n"
        "            os.write(fd, b'answer' * 10)"
    ),
}
LEFT = {
    "another folder": "import os; os.chdir('/')",
    "another environment": "import os, time; os.environ.clear(); os.environ['TZ'] = 'Asia/Tokyo'; time.tzset()",
    "another locale": "import locale; locale.setlocale(locale.LC_ALL, 'C')",
    "warnings as errors": "import warnings; warnings.simplefilter('error')",
    "seeds": "import random, numpy; random.seed(7); numpy.random.seed(7)",
    "numpy's errors": "import numpy; numpy.seterr(all='raise')",
    "a decimal context": "import decimal; decimal.getcontext().prec = 1",
    "no logs": "import logging; logging.disable()",
    "no collection": "import gc; gc.disable()",
    "a thread": "import threading, time; threading.Thread(target=time.sleep, args=[5], daemon=True).start()",
    "prints": "import os, sys; print('x' * 10**6); print('x', file=sys.stderr); os.write(1, b'x'); os.write(2, b'x')",
}
LEFT_APART = {
    "other logs": "import logging; logging.basicConfig(force=True, level=0)",
    "closed streams": "import os, sys; sys.stdout.close(); sys.stderr.close(); os.close(1); os.close(2)",
    "signals": "import signal; [signal.signal(each, signal.SIG_IGN) for each in (signal.SIGALRM, signal.SIGTERM)]",
    "little recursion": "import sys; sys.setrecursionlimit(200)",
    "other modules": "import datetime, json, numpy; numpy.isnan = numpy.zeros = datetime.date = json.loads = None",
    "another core": "from recommenders.batch import Batch; Batch.of = Batch.whole = None",
}
WAITS = FUNCTION.format("import time; time.sleep(10**6)")


@pytest.fixture(scope="module")
def crowd(bank):
    """Some customers of the sample bank, as the store has them."""
    return bank.run(customers.load, bank.store, [f"C{number:09}" for number in range(1, 61)])


@pytest.fixture
def answered(bank, crowd, plugin_folder, request):
    """Return a function: the host of plugins by name, and what it answers, without a word of who was left out."""

    def make(isolation, **sources):
        host = PluginHost.load([plugin_folder(**sources)], isolation=isolation)
        request.addfinalizer(host.close)
        found = build_engine(bank.catalogue, host, None).answer(crowd, Context(UNTIL, top=99))
        return host, [
            replace(answer, omitted=(), offers=tuple(_told(offer) for offer in answer.offers), bundles=tuple(
                replace(bundle, offers=tuple(_told(offer) for offer in bundle.offers)) for bundle in answer.bundles
            ))
            for answer in found
        ]  # fmt: skip

    return make


def _told(offer):
    """The offer, with its trace but for the line that names who was left out."""
    return replace(offer, trace=tuple(step for step in offer.trace if not step.text.startswith("without ")))


@pytest.mark.parametrize(
    ("isolation", "source"),
    [
        *(pytest.param(THREAD, source, id=f"thread-{name}") for name, source in {**CASES, "waits": WAITS}.items()),
        *(pytest.param(PROCESS, source, id=f"process-{name}") for name, source in {**CASES, **ONLY_APART}.items()),
    ],
)
def test_what_others_offer_is_the_same_to_the_bit(answered, budget, isolation, source):
    budget(2.0)
    _, alone = answered(THREAD, graduate=GRADUATE)
    host, beside = answered(isolation, graduate=GRADUATE, mine=source)

    assert beside == alone
    [info] = [plugin for plugin in host.plugins if plugin.name == "mine"]
    failed = [
        recommender for recommender in host.recommending.infos() if recommender.name == "mine" and recommender.failures
    ]
    assert info.state in {"broken", "failing"} or failed


@pytest.fixture
def restored(monkeypatch):
    """What plugins in threads change for all is as before when the test is over."""
    monkeypatch.chdir(".")
    environment, own = dict(os.environ), locale.setlocale(locale.LC_ALL)
    drawn, legacy = random.getstate(), np.random.get_state()
    yield
    os.environ.pop("TZ", None)
    os.environ.update(environment)
    time.tzset()
    locale.setlocale(locale.LC_ALL, own)
    random.setstate(drawn)
    np.random.set_state(legacy)
    logging.disable(logging.NOTSET)
    gc.enable()


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize(
    ("isolation", "act"),
    [
        *(pytest.param(THREAD, act, id=f"thread-{name}") for name, act in LEFT.items()),
        *(pytest.param(PROCESS, act, id=f"process-{name}") for name, act in {**LEFT, **LEFT_APART}.items()),
    ],
)
def test_what_one_leaves_behind_changes_nothing_for_others(answered, plugin_folder, tmp_path, isolation, act):
    _, alone = answered(THREAD, graduate=GRADUATE)
    done = tmp_path / "done"
    _, beside = answered(isolation, graduate=GRADUATE, mine=FUNCTION.format(f"{act}; open({str(done)!r}, 'w').close()"))
    (plugin_folder() / "mine.py").unlink()
    _, after = answered(THREAD, graduate=GRADUATE)

    assert beside == after == alone
    assert done.exists()


def test_a_plugin_answers_the_same_from_a_process_as_from_a_thread(answered):
    _, here = answered(THREAD, graduate=GRADUATE)
    host, there = answered(PROCESS, graduate=GRADUATE)

    assert there == here
    assert any("graduate" in offer.recommenders for answer in there for offer in answer.offers)
    assert [info.failures for info in host.recommending.infos() if info.name == "graduate"] == [0]

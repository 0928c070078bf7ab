import json

import pytest

pytestmark = pytest.mark.embedded


def test_train_says_in_a_line_each_how_good_churn_demand_and_segments_are(journey):
    lines = [line for line in journey.trained.stdout.splitlines() if line.startswith(("Churn", "Demand", "Segments"))]

    assert [line.partition(":")[0] for line in lines] == ["Churn", "Demand", "Segments"]
    assert "mean error a month: regression" in lines[1]


def test_segments_are_told_in_words_and_as_json(journey, guanxi):
    told = guanxi(journey.home, "segments")
    zh = json.loads(guanxi(journey.home, "segments", "--json", "--language", "zh").stdout)
    en = json.loads(guanxi(journey.home, "segments", "--json").stdout)

    assert told.returncode == 0
    assert [segment["code"] for segment in en] == [f"S{number}" for number in range(1, len(en) + 1)]
    assert sum(segment["share"] for segment in en) == pytest.approx(1, abs=0.01)
    for segment, chinese in zip(en, zh, strict=True):
        assert f"{segment['code']}  {segment['share']:4.0%}  {segment['name']}" in told.stdout
        assert all(line in told.stdout for line in segment["profile"])
        assert len(chinese["profile"]) == len(segment["profile"])
        assert "全行" in chinese["profile"][0]


def test_without_a_model_segments_says_what_to_do(guanxi, tmp_path):
    done = guanxi(tmp_path, "segments")

    assert (done.returncode, done.stdout) == (1, "There are no segments: there is no model; run guanxi train.\n")
    assert guanxi(tmp_path, "segments", "--json").stdout == "[]\n"

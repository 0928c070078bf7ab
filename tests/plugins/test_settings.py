"""A plugin's settings: which source holds, what each may say, and that no secret is told."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

from graph.errors import PluginError, SettingsError
from plugins.settings.held import SettingSource, Sources, WrongSetting, held
from plugins.settings.models import check_model, secrets

KEPT = "a secret nobody tells"


class Place(BaseModel, frozen=True):
    city: str = Field("Kunming", description="Where.")
    floor: int = Field(1, ge=0, description="How high.")
    door_code: SecretStr = Field(SecretStr("0000"), description="Opens it.", min_length=4)


class Card(BaseModel, frozen=True):
    months: int = Field(12, ge=0, le=600, description="How long.")
    codes: tuple[str, ...] = Field((), description="Which.")
    key: SecretStr | None = Field(None, description="Opens the bureau's service.", min_length=8)
    place: Place = Field(Place(city="Dali"), description="Where.")


def of(environ=None, stored=None, **tables):
    return held("salary-card", Card, Sources(tables, environ or {}), stored)


def env(**values):
    return {f"GUANXI_PLUGIN_SALARY_CARD_{name.upper()}": value for name, value in values.items()}


def test_without_a_source_the_defaults_hold():
    own = of()
    assert own.values == Card()
    assert {told.source for told in own.told()} == {SettingSource.DEFAULT}


months = st.none() | st.integers(0, 600)


@given(months, months, months)
def test_the_last_source_that_says_something_holds(file, environment, staff):
    own = of(
        {} if environment is None else env(months=str(environment)),
        {} if staff is None else {"months": staff},
        salary_card={} if file is None else {"months": file},
    )
    said = [(12, "default"), (file, "file"), (environment, "environment"), (staff, "staff")]
    value, source = [one for one in said if one[0] is not None][-1]
    assert (own.values.months, own.source(("months",))) == (value, source)
    assert [(told.value, told.source) for told in own.told() if told.name == "months"] == [(value, source)]


@given(st.dictionaries(st.sampled_from(["city", "floor"]), st.just(3)), st.sets(st.sampled_from(["city", "floor"])))
def test_nested_settings_come_from_several_sources_one_by_one(staff, file):
    there, here = {"city": "Lijiang", "floor": 9}, {"city": "Dali", "floor": 1}
    own = of(stored={"place": {name: str(value) if name == "city" else value for name, value in staff.items()}}, salary_card={"place": {name: there[name] for name in file}})  # fmt: skip
    for name, default in here.items():
        value = {"city": "3", "floor": 3}[name] if name in staff else there[name] if name in file else default
        source = "staff" if name in staff else "file" if name in file else "default"
        assert (getattr(own.values.place, name), own.source(("place", name))) == (value, source)


def test_the_environment_has_nested_names_and_json():
    own = of(env(place__city="Dali", place__door_code="7351", codes='["A", "B"]', key=KEPT))
    assert own.values == Card(codes=("A", "B"), key=SecretStr(KEPT), place=Place(city="Dali", door_code=SecretStr("7351")))  # fmt: skip


@pytest.mark.parametrize(
    ("sources", "place", "told"),
    [
        ({"salary_card": {"months": -1}}, ("months",), "the setting 'months' from the settings' file: Input should be greater than or equal to 0"),
        ({"salary_card": {"mnths": 1}}, ("mnths",), "the setting 'mnths' from the settings' file: there is no setting 'mnths'; is 'months' meant?"),
        ({"salary_card": {"place": {"town": 1}}}, ("place", "town"), "the setting 'place.town' from the settings' file: there is no setting 'place.town'"),
        ({"salary_card": 5}, (), "the file's salary-card is no table of settings"),
        ({"environ": env(months="soon")}, ("months",), "GUANXI_PLUGIN_SALARY_CARD_MONTHS: Input should be a valid integer, unable to parse string as an integer"),
        ({"environ": env(place__floor="-1")}, ("place", "floor"), "GUANXI_PLUGIN_SALARY_CARD_PLACE__FLOOR: Input should be greater than or equal to 0"),
        ({"environ": env(codes="A, B")}, ("codes",), "GUANXI_PLUGIN_SALARY_CARD_CODES: it is no JSON of the setting 'codes'"),
        ({"stored": {"months": 601}}, ("months",), "the setting 'months' set at run time: Input should be less than or equal to 600"),
        ({"stored": {"months": None}}, ("months",), "the setting 'months' set at run time: Input should be a valid integer"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_field_and_source(sources, place, told):
    with pytest.raises(WrongSetting) as wrong:
        of(**sources)
    assert (wrong.value.path, str(wrong.value)) == (place, told)


@pytest.mark.parametrize(
    "said", [{"key": KEPT}, {"key": None}, {"place": {"door_code": KEPT}}, {"place": KEPT}, {"place": [KEPT]}]
)
@pytest.mark.parametrize("source", ["file", "staff"])
def test_secrets_are_refused_anywhere_but_in_the_environment(said, source):
    with pytest.raises(WrongSetting) as wrong:
        of(stored=said) if source == "staff" else of(salary_card=said)
    assert KEPT not in str(wrong.value)
    assert wrong.value.__cause__ is None


@pytest.mark.parametrize("environ", [env(key="short"), env(place__door_code="1")])
def test_a_wrong_secret_is_not_told_of(environ):
    with pytest.raises(WrongSetting) as wrong:
        of(environ)
    assert str(wrong.value) == f"{next(iter(environ))}: it is wrong, as a secret or beside one"
    assert wrong.value.__suppress_context__


def test_what_a_model_says_of_all_settings_is_not_told_where_there_are_secrets():
    class Both(BaseModel, frozen=True):
        key: SecretStr = Field(SecretStr(""), description="Key.")
        other: int = Field(1, description="Other.")

        @model_validator(mode="after")
        def _telling(self):
            if self.key.get_secret_value():
                raise ValueError(f"wrong: {self.key.get_secret_value()}")
            return self

    with pytest.raises(WrongSetting) as wrong:
        held("x", Both, Sources({}, {"GUANXI_PLUGIN_X_KEY": KEPT}))
    assert KEPT not in str(wrong.value)


def test_no_secret_is_told():
    own = of(env(key=KEPT, place__door_code=KEPT))
    told = {one.name: one for one in own.told()}
    assert [told[name].value for name in ("key", "place.door_code")] == [None, None]
    assert [told[name].secret for name in ("key", "place.door_code", "months")] == [True, True, False]
    assert KEPT not in f"{own} {own.told()} {json.dumps(Card.model_json_schema())}".replace(repr(own.layers), "")


def test_a_secret_within_a_list_or_a_choice_is_one_as_a_whole():
    class Many(BaseModel, frozen=True):
        keys: list[SecretStr] = Field([], description="Keys.")
        doors: dict[str, Place] = Field({}, description="Doors.")
        one: Place | int = Field(1, description="One.")
        maybe: Place | None = Field(None, description="Maybe.")

    assert secrets(Many) == {("keys",), ("doors",), ("one",), ("maybe", "door_code")}


class Thawed(BaseModel):
    months: int = Field(1, description="How long.")


class Needy(BaseModel, frozen=True):
    months: int = Field(description="How long.")


class Silent(BaseModel, frozen=True):
    months: int = 1


class Renamed(BaseModel, frozen=True):
    months: int = Field(1, description="How long.", alias="key")


class HalfSaid(BaseModel, frozen=True):
    months: int = Field(1, description="How \ud800.")


class HalfByDefault(BaseModel, frozen=True):
    city: str = Field("\ud800", description="Where.")


class HalfListed(BaseModel, frozen=True):
    cities: tuple[str, ...] = Field(("Dali", "\udc80"), description="Where.")


class HalfKeyed(BaseModel, frozen=True):
    cities: dict[str, int] = Field({"\udc80": 1}, description="Where.")


class HalfNested(BaseModel, frozen=True):
    inner: HalfListed = Field(HalfListed(), description="Inner.")


class Outer(BaseModel, frozen=True):
    inner: Silent = Field(Silent(), description="Inner.")


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (dict, "its settings are <class 'dict'>, which is no pydantic model"),
        (Thawed, "its settings Thawed are not frozen"),
        (Needy, "its setting 'months' has no default"),
        (Silent, "its setting 'months' has no description"),
        (Renamed, "its setting 'months' has an alias"),
        (HalfSaid, "its setting 'months' has a lone surrogate, which is no text"),
        (HalfByDefault, "its setting 'city' has a lone surrogate, which is no text"),
        (HalfListed, "its setting 'cities' has a lone surrogate, which is no text"),
        (HalfKeyed, "its setting 'cities' has a lone surrogate, which is no text"),
        (HalfNested, "its setting 'inner' has a lone surrogate, which is no text"),
        (Outer, "its setting 'months' has no description"),
    ],
)
def test_a_model_is_frozen_and_its_fields_have_defaults_and_descriptions(model, why):
    with pytest.raises(PluginError) as error:
        check_model(model)
    assert str(error.value) == why


def test_a_validator_of_the_plugin_is_heard():
    class Even(BaseModel, frozen=True):
        months: int = Field(12, description="How long.")

        @field_validator("months")
        @classmethod
        def _even(cls, value):
            if value % 2:
                raise ValueError("months are even")
            return value

    with pytest.raises(WrongSetting, match="months are even"):
        held("x", Even, Sources(), {"months": 3})


def test_a_lone_surrogate_that_a_validator_makes_is_a_wrong_setting():
    class Halved(BaseModel, frozen=True):
        city: str = Field("Dali", description="Where.")
        cities: tuple[str, ...] = Field(("Dali",), description="Where else.")

        @field_validator("city", "cities")
        @classmethod
        def _half(cls, value):
            return "\udc80" if isinstance(value, str) else (*value, "\udc80")

    for sources, told in (
        (({}, {}, {"city": "Dali"}), "the setting 'city' set at run time: it has a lone surrogate, which is no text"),
        (({"x": {"cities": []}}, {}), "the setting 'cities' from the settings' file: it has a lone surrogate"),
        (({}, {"GUANXI_PLUGIN_X_CITIES": "[]"}), "GUANXI_PLUGIN_X_CITIES: it has a lone surrogate"),
    ):
        tables, environ, *stored = sources
        with pytest.raises(WrongSetting, match=told):
            held("x", Halved, Sources(tables, environ), *stored)


def test_the_file_has_tables_by_plugin_in_either_spelling(tmp_path):
    path = tmp_path / "plugins.toml"
    path.write_text("[salary-card]\nmonths = 3\n[Other_One]\nx = 1\n[salary-card.place]\nfloor = 2\n")
    sources = Sources.read(path, {}, required=True)
    own = held("salary_card", Card, sources)
    assert (own.values.months, own.values.place.floor, sources.tables["other_one"]) == (3, 2, {"x": 1})


def test_a_file_may_be_missing_unless_it_is_named(tmp_path):
    assert Sources.read(tmp_path / "none", {"A": "B"}, required=False) == Sources({}, {"A": "B"})
    with pytest.raises(SettingsError, match="which GUANXI_PLUGIN_SETTINGS names"):
        Sources.read(tmp_path / "none", {}, required=True)


@pytest.mark.parametrize("text", [b"[salary", b"\xff", b"a = 1\na = 2\n"])
def test_a_file_that_is_no_toml_is_refused(tmp_path, text):
    path = tmp_path / "plugins.toml"
    path.write_bytes(text)
    with pytest.raises(SettingsError, match=r"plugins\.toml cannot be read"):
        Sources.read(path, {}, required=False)

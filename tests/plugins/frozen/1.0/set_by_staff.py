"""Settings: a model, for the function and for the hooks."""

from pydantic import BaseModel, Field

from guanxi import About, Lever, Proposal, hookimpl, recommender


class Settings(BaseModel, frozen=True):
    score: float = Field(0.25, ge=0, le=1, description="How strongly A is proposed.")


@hookimpl
def about():
    return About(settings=Settings)


@recommender("frozen-settings")
def propose(customer, catalogue, settings):
    yield Proposal("A", settings.score)


@hookimpl
def levers(register, catalogue, settings):
    register(Lever("frozen-settings", {"A": 1 + settings.score}))

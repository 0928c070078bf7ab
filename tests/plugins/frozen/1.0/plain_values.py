"""Fields, commands, jobs and formats, as plain values."""

from datetime import timedelta

from guanxi import Command, Field, Format, Job, hookimpl


def work(_):
    pass


@hookimpl
def fields(register):
    register(Field("Customer", "frozen_age", int | None, lambda customer: customer.age, "His age."))


@hookimpl
def commands(register):
    register(Command("frozen", "Says so.", lambda: print("frozen")))
    register(Command("frozen-later", "Is imported.", "json:dumps"))


@hookimpl
def jobs(register):
    register(Job("frozen", "Does nothing.", timedelta(hours=1), work))


@hookimpl
def formats(register):
    register(Format("frozen", "A folder.", lambda folder: {}))

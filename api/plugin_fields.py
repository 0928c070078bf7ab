"""Makes fields of the schema of plugins': a field of the plugin's name on a type, below which its own fields stand."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

from api import access
from api.costs import Cost
from api.loading import Loader
from api.plugin_types import Prefixed, sizes
from api.session import Session
from graph.records import Customer
from plugins.contract import On
from plugins.fields.calls import FieldCalls
from plugins.fields.names import camel
from plugins.fields.shapes import Attribute, Listed, Maybe, Shape
from recommenders.view import CustomerView

KEYS: Final[Mapping[On, str]] = {
    "Customer": "customer_no",
    "Product": "product_code",
    "Programme": "programme_code",
}


def namespace(types: Prefixed, on: On, fields: Sequence[FieldCalls]) -> StrawberryField:
    """Return the field of a type below which a plugin's fields stand."""
    told = f"What the plugin {types.plugin} tells of a {on.lower()}."
    own = {calls.checked.field.name: _field(types, calls) for calls in fields}
    made = strawberry.type(types.made(on, {"__annotations__": dict.fromkeys(own, Any), **own}), description=told)
    field: StrawberryField = strawberry.field(_itself, name=types.field_name, description=told, graphql_type=made)
    field.python_name = f"plugin_{types.field_name}"
    return field


def _itself(root: Any) -> Any:
    """What the fields below are asked of."""
    return root


def _field(types: Prefixed, calls: FieldCalls) -> StrawberryField:
    checked = calls.checked
    shape = checked.shape if isinstance(checked.shape, Maybe) else Maybe(checked.shape)
    field: StrawberryField = strawberry.field(
        _resolver(calls),
        name=camel(checked.field.name),
        description=checked.field.description.strip(),
        directives=[Cost(weight=checked.field.cost), *sizes(shape)],
        graphql_type=types.of(shape),
    )
    field.arguments = [_argument(types, parameter) for parameter in checked.parameters]
    return field


def _argument(types: Prefixed, parameter: Attribute) -> StrawberryArgument:
    default = list(parameter.default) if isinstance(parameter.default, tuple) else parameter.default
    return StrawberryArgument(
        parameter.name,
        camel(parameter.name),
        StrawberryAnnotation(types.of(parameter.shape)),
        description=parameter.description,
        default=default,
    )


def _resolver(calls: FieldCalls) -> Callable[..., Any]:
    key = KEYS[calls.checked.field.on]

    async def resolve(root: Any, **given: Any) -> Any:
        session: Session = root.session
        field = calls.checked.field
        if not access.sees_plugin_field(session.viewer, field.on, for_customers=field.for_customers):
            return None
        arguments = tuple(
            (parameter.name, _given(parameter.shape, given.get(parameter.name, parameter.default)))
            for parameter in calls.checked.parameters
        )
        loaders = session.plugin_values
        if (calls, arguments) not in loaders:
            loaders[calls, arguments] = _loader(session, calls, dict(arguments))
        return await loaders[calls, arguments].load(getattr(root, key))

    return resolve


def _given(shape: Shape, value: Any) -> Any:
    match shape:
        case Maybe(of):
            return None if value is None else _given(of, value)
        case Listed():
            return tuple(value)
        case _:
            return value


def _loader(session: Session, calls: FieldCalls, arguments: Mapping[str, Any]) -> Loader[str, Any]:
    async def load(keys: list[str]) -> list[Any]:
        return await calls.values(keys, await _subjects(session, calls.checked.field.on, keys), arguments)

    return Loader("plugin_fields", load)


async def _customers(session: Session, wholes: Sequence[Customer | None]) -> list[object | None]:
    """Customers as a plugin sees them; what the model says of them it is told for those alone who may know."""
    known = [whole for whole in wholes if whole is not None]
    if access.sees_insights(session.viewer):
        views = iter(await session.services.engine.told(known, session.today))
    else:
        views = iter([CustomerView(whole, session.today) for whole in known])
    return [None if whole is None else next(views) for whole in wholes]


async def _subjects(session: Session, on: On, keys: list[str]) -> list[object | None]:
    match on:
        case "Customer":
            return await _customers(session, await session.whole.load_many(keys))
        case "Product":
            catalogue = await session.catalogue()
            return [catalogue.get(key) for key in keys]
        case "Programme":
            return list(keys)

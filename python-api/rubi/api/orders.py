"""Orders over REST: place one, try one, look at them, take one back, change one, say what became of one."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import JSONResponse

from rubi.api.deps import CurrentUser, Person, PortsDep
from rubi.api.errors import responses
from rubi.api.keyed import OnceDep
from rubi.api.wire_orders import (
    ChangedOut,
    DecidedOut,
    ModifyIn,
    OrderIn,
    OrderOut,
    OrdersOut,
    OrderWholeOut,
    ResolveIn,
    TriedOut,
)
from rubi.domain.errors import RubiError
from rubi.domain.order import OrderState
from rubi.flows.cancel_order import cancel_order
from rubi.flows.choose_account import narrow
from rubi.flows.modify_order import modify_order
from rubi.flows.place_order import place_order, try_order
from rubi.flows.read_orders import read_order, read_orders
from rubi.flows.resolve_order import resolve_order
from rubi.store.order_views import OrderFilter, Owner

router = APIRouter(prefix="/api/v1/trading/orders", tags=["orders"])

OrderId = Annotated[int, Path(ge=1, lt=2**63)]


@router.post(
    "",
    status_code=201,
    response_model=DecidedOut,
    responses={200: {"model": TriedOut}, **responses(401, 403, 404, 409)},
    summary="Place an order",
)
async def place(body: OrderIn, once: OnceDep) -> Response:
    """Decided at once, by the gates that signals pass: the order is QUEUED for its terminal, or DENIED with a code.

    With `dry_run` the whole decision is told and nothing is stored.
    """
    wish = body.to_wish()
    if body.dry_run:
        return JSONResponse(await try_order(once.ports, once.caller, wish))
    return await once(lambda conn: place_order(conn, once.caller, wish), location=router.prefix)


@router.get("", responses=responses(401, 403, 404), summary="List orders, newest first")
async def list_orders(
    user: CurrentUser,
    ports: PortsDep,
    state: Annotated[str | None, Query(max_length=200, description="one state, or several with commas")] = None,
    symbol: Annotated[str | None, Query(max_length=64)] = None,
    account: Annotated[str | None, Query(max_length=64, description="an account's id or login")] = None,
    before: Annotated[int | None, Query(ge=1, lt=2**63, description="only orders with a smaller id")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> OrdersOut:
    """The user's orders of every kind: openings, closes, modifications, cancels."""
    owner = await narrow(ports, Owner(user.user_id, user.account_id), account)
    found = await read_orders(ports, owner, OrderFilter(_states(state), symbol, before, limit))
    orders = [OrderOut.model_validate(each) for each in found]
    return OrdersOut(orders=orders, next_before=orders[-1].id if len(orders) == limit else None)


@router.get("/{order_id:int}", responses=responses(401, 403, 404), summary="An order and everything behind it")
async def get_order(order_id: OrderId, user: CurrentUser, ports: PortsDep) -> OrderWholeOut:
    """The order with its events, its decision, the instructions about it, and how it stands in the broker's book."""
    return OrderWholeOut.model_validate(await read_order(ports, Owner(user.user_id, user.account_id), order_id))


@router.post(
    "/{order_id:int}/cancel",
    response_model=ChangedOut,
    responses=responses(401, 403, 404, 409),
    summary="Take an order back",
)
async def cancel(order_id: OrderId, once: OnceDep) -> Response:
    """Queued: gone at once. At the terminal: revoked if it was not sent. At the broker: an instruction to cancel it."""
    return await once(lambda conn: cancel_order(conn, once.caller, order_id))


@router.post(
    "/{order_id:int}/modify",
    response_model=ChangedOut,
    responses=responses(401, 403, 404, 409),
    summary="Change a working order",
)
async def modify(order_id: OrderId, body: ModifyIn, once: OnceDep) -> Response:
    """What adds risk is weighed like a new order; a denied change is an instruction in state DENIED."""
    return await once(lambda conn: modify_order(conn, once.caller, order_id, body.to_change()))


@router.post(
    "/{order_id:int}/resolve",
    response_model=OrderOut,
    responses=responses(401, 403, 404, 409),
    summary="Say what became of an order of unknown fate",
)
async def resolve(order_id: OrderId, body: ResolveIn, _: Person, once: OnceDep) -> Response:
    """For a person who looked at the broker; only an order that is UNKNOWN can be resolved."""
    return await once(lambda conn: resolve_order(conn, once.caller, order_id, body.outcome, body.reason))


def _states(text: str | None) -> list[str] | None:
    if text is None:
        return None
    states = [part.strip().upper() for part in text.split(",") if part.strip()]
    unknown = [state for state in states if state not in set(OrderState)]
    if unknown or not states:
        raise RubiError(
            "FIELD_INVALID",
            f"state is {text!r}; one or several of {', '.join(OrderState)}",
            field="state",
        )
    return states

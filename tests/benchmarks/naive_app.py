"""The comparison: a bridge as it is usually written.

FastAPI with pydantic bodies, PyJWT on each call, one INSERT a row, one commit a request. It keeps what the service
keeps at the least (no limits, no locks, no live events), in tables of its own in the same database.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import asyncpg
import jwt
from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel

TABLES = """
CREATE SCHEMA IF NOT EXISTS naive;
CREATE TABLE IF NOT EXISTS naive.positions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, session_id text NOT NULL, ticket bigint NOT NULL,
    symbol text NOT NULL, type text NOT NULL, volume double precision, open_price double precision,
    current_price double precision, sl double precision, tp double precision, profit double precision,
    swap double precision, commission double precision, received_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE IF NOT EXISTS naive.accounts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, session_id text NOT NULL, balance double precision,
    equity double precision, margin double precision, margin_free double precision, margin_level double precision,
    profit double precision, received_at timestamptz NOT NULL DEFAULT now());
"""
INSERT_POSITION = """
INSERT INTO naive.positions (session_id, ticket, symbol, type, volume, open_price, current_price, sl, tp, profit, swap,
    commission) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""
INSERT_ACCOUNT = """
INSERT INTO naive.accounts (session_id, balance, equity, margin, margin_free, margin_level, profit)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""


class Position(BaseModel):
    ticket: int
    symbol: str
    type: str
    volume: float
    open_price: float
    current_price: float
    sl: float | None = None
    tp: float | None = None
    profit: float
    swap: float
    commission: float


class Positions(BaseModel):
    session_id: str
    positions: list[Position]


class Account(BaseModel):
    session_id: str
    balance: float
    equity: float
    margin: float
    margin_free: float
    margin_level: float
    profit: float


def user(authorization: Annotated[str, Header()]) -> str:
    """The user that a token names."""
    try:
        claims = jwt.decode(
            authorization.removeprefix("Bearer "), os.environ["JWT_SECRET"], algorithms=["HS256"], audience="rubi"
        )
    except jwt.InvalidTokenError as error:
        raise HTTPException(401, str(error)) from None
    return claims["sub"]


User = Annotated[str, Depends(user)]


@asynccontextmanager
async def lifespan(application: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=1, max_size=10) as pool:
        await pool.execute(TABLES)
        application.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/positions")
async def positions(body: Positions, _: User) -> dict[str, str]:
    async with app.state.pool.acquire() as conn, conn.transaction():
        for each in body.positions:
            await conn.execute(
                INSERT_POSITION, body.session_id, each.ticket, each.symbol, each.type, each.volume, each.open_price,
                each.current_price, each.sl, each.tp, each.profit, each.swap, each.commission,
            )  # fmt: skip
    return {"status": "ok", "message": f"{len(body.positions)} positions updated"}


@app.post("/account")
async def account(body: Account, _: User) -> dict[str, str]:
    async with app.state.pool.acquire() as conn, conn.transaction():
        await conn.execute(
            INSERT_ACCOUNT, body.session_id, body.balance, body.equity, body.margin, body.margin_free,
            body.margin_level, body.profit,
        )  # fmt: skip
    return {"status": "ok", "message": "Account info updated"}

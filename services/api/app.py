"""The REST API. `uvicorn services.api.app:app`, or `autogrid api`."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

import redis
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from starlette.concurrency import run_in_threadpool

from autogrid.settings import settings
from autogrid.store import embedded_valkey, engine, secrets
from autogrid.store.tick_store import PgTickStore
from services.api import errors
from services.api.accounts.routes import routes as accounts
from services.api.alerts.routes import routes as alerts
from services.api.auth.routes import routes as auth
from services.api.bots.routes import routes as bots
from services.api.deps import Database
from services.api.events.feed import Feed
from services.api.events.routes import routes as events
from services.api.jobs.routes import routes as jobs
from services.api.keys import jwt_secret
from services.api.limiter import Limiter
from services.api.markets.routes import routes as markets
from services.api.middleware import Envelope
from services.api.openapi import install as install_openapi
from services.api.passports.routes import routes as passports
from services.api.reports.routes import routes as reports
from services.api.studies.routes import routes as studies
from services.api.system.kill_switch import routes as kill_switches
from services.api.system.routes import probes
from services.api.system.routes import routes as system
from services.api.users.routes import routes as users
from services.common import logs, metrics, watches
from services.common.edge import EdgeOnly
from services.common.queue import Queue

ROUTERS = (
    probes, auth, users, accounts, markets, studies, jobs, passports, bots, kill_switches,
    reports, alerts, events, system,
)  # fmt: skip


def create_app() -> FastAPI:
    """The application; connections are opened when it starts."""
    app = FastAPI(
        title="AutoGrid",
        version=version("autogrid"),
        summary="Grid trading from notebook to production.",
        lifespan=_lifespan,
        redoc_url=None,
        max_body_size=settings().api_max_body,
        generate_unique_id_function=lambda route: route.name,
        separate_input_output_schemas=False,
    )
    for router in ROUTERS:
        app.include_router(router)
    errors.install(app)
    install_openapi(app)
    origins = [origin.strip() for origin in settings().cors_origins.split(",") if origin.strip()]
    if origins:
        app.add_middleware(
            CORSMiddleware, allow_origins=origins, allow_methods=["*"], allow_headers=["*"],
            expose_headers=["X-Request-Id", "Idempotent-Replayed", "Retry-After"],
        )  # fmt: skip
    app.add_middleware(Envelope)
    app.add_middleware(EdgeOnly)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    await run_in_threadpool(_open, app)
    metrics.build("api")
    # What is here now stays: collections need not walk through it, which would hold up a request now and then.
    gc.collect()
    gc.freeze()
    logs.get_logger().info("api_started", version=app.version)
    yield
    app.state.queue.close()
    app.state.redis.close()
    app.state.database.engine.dispose()
    logs.get_logger().info("api_stopped")


def _open(app: FastAPI) -> None:
    chosen = settings()
    state = app.state
    state.jwt_secret = jwt_secret(chosen)
    state.sealer = secrets.fernet()
    state.signup = chosen.autogrid_env == "development" if chosen.signup_enabled is None else chosen.signup_enabled
    state.database = Database(engine.engine())
    state.ticks = PgTickStore(state.database.engine)
    state.redis = redis.Redis.from_url(embedded_valkey.redis_url())
    state.queue = Queue(embedded_valkey.broker_url())
    state.feed = Feed(state.database)
    state.limiter = Limiter(embedded_valkey.limits_url(), chosen.auth_attempts_per_minute)
    watches.pool(state.database.engine)
    watches.database(engine.libpq_url())
    watches.redis(embedded_valkey.redis_url())


def __getattr__(name: str) -> FastAPI:
    """`app`, made when a server asks for it: importing this module neither builds it nor touches logging."""
    if name != "app":
        raise AttributeError(name)
    logs.configure(json=settings().autogrid_env != "development", level=settings().log_level)
    return create_app()

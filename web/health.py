"""Health, readiness and metrics, for whoever runs the service."""

import hmac
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from functools import partial

from flask import Blueprint, Response, current_app
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection
from werkzeug.exceptions import NotFound, Unauthorized

from ledger import __version__
from ledger.access.tokens import hash_of
from ledger.application import Ledger
from ledger.asking.standing import asking_standings
from ledger.audit.verifications import last_verifications
from ledger.drift.news import drift_standings
from ledger.ipn.modes import Mode
from ledger.ipn.shops_and_keys import Shops
from ledger.operations.metrics import CONTENT_TYPE, Gauge, GaugeCache
from ledger.projections.engine.generations import live_generations
from ledger.projections.engine.registry import PROJECTIONS
from ledger.projections.engine.status import high_water_mark_held_seconds, lags
from ledger.proof.signed_log import log_status
from ledger.proof.stamping import newest_timestamp
from ledger.publishing.standing import lag_of
from ledger.publishing.standing import standings as destination_standings
from ledger.queries.notifications import newest_arrivals
from ledger.queries.suspects import count_suspects
from ledger.queries.undecided import undecided_by_reason
from ledger.reconciliation.standing import standings
from ledger.storage.quarantine import quarantine_size
from web.authentication import bearer_secret
from web.context import context, ledger
from web.readiness import DATABASE_FAULTS, PEOPLE, WELL, readiness

bp = Blueprint("operations", __name__)

Sizes = dict[tuple[str, ...], float]


@bp.get("/healthz")
def healthz() -> ResponseReturnValue:
    """Answer that this process is alive, whatever the database does."""
    return {"status": "ok"}


@bp.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Answer whether this process can store notifications now. Shape: one word per check."""
    states = readiness().checks()
    states.pop("views", None)  # a call is stored without any
    return _readiness(states)


@bp.get("/readyz/pages")
def readyz_pages() -> ResponseReturnValue:
    """Answer whether people can read here now. Shape: as `/readyz`, and every read model is built.

    Errors: NotFound where only calls are received.
    """
    states = readiness().checks()
    if "views" not in states:
        raise NotFound
    return _readiness({name: states[name] for name in PEOPLE})


def _readiness(checks: dict[str, str]) -> ResponseReturnValue:
    is_ready = set(checks.values()) <= WELL and not context().is_stopping()
    stopping = {"stopping": "yes" if context().is_stopping() else "no"}
    body = {"status": "ready" if is_ready else "not-ready", "checks": checks | stopping}
    return body, 200 if is_ready else 503


@bp.get("/metrics")
def metrics() -> ResponseReturnValue:
    """Write all metrics for Prometheus. Errors: Unauthorized without the token of the settings."""
    token, secret = context().settings.metrics_token, bearer_secret() or ""
    if token and not hmac.compare_digest(hash_of(secret), hash_of(token)):
        raise Unauthorized("send the token of LEDGER_METRICS_TOKEN: Authorization: Bearer <token>")
    read = partial(_gauges, ledger())
    cache = current_app.extensions.setdefault("ipn-ledger-gauges", GaugeCache(read))
    gauges = cache.gauges()
    return Response(context().metrics.text(gauges), content_type=CONTENT_TYPE)


def _gauges(of: Ledger) -> list[Gauge]:
    """Read sizes now; leave them out, rather than show zero, when the database does not answer."""
    gauges = [*_settings_gauges(of.shops), *_readiness_gauges()]
    for read in (
        *(_quarantine_gauges, _undecided_gauges, _projection_gauges, _newest_gauges),
        _verify_gauges,
        partial(_log_gauges, now=context().clock()),
        partial(_completeness_gauges, now=context().clock()),
        partial(_asking_gauges, shops=of.shops, now=context().clock()),
        partial(_suspect_gauges, now=context().clock()),
        partial(_drift_gauges, now=context().clock()),
        _publishing_gauges,
    ):
        with suppress(*DATABASE_FAULTS), of.database.connect() as connection:
            gauges += read(connection)
    return gauges


def _readiness_gauges() -> Iterator[Gauge]:
    """Yield what the probes are answered."""
    wellness: Sizes = {(name,): float(word in WELL) for name, word in readiness().checks().items()}
    yield Gauge("ledger_ready", "1 for each check of readiness that is well.", wellness, ("check",))


def _quarantine_gauges(connection: Connection) -> Iterator[Gauge]:
    count, size = quarantine_size(connection)
    prefix = "ledger_quarantine_"
    yield Gauge(f"{prefix}notifications", "Deliveries kept in quarantine.", {(): count})
    yield Gauge(f"{prefix}bytes", "Size of the bodies kept in quarantine.", {(): size})


def _undecided_gauges(connection: Connection) -> Iterator[Gauge]:
    counts: Sizes = {(reason,): float(n) for reason, n in undecided_by_reason(connection).items()}
    meaning = "Verified deliveries that wait for a decision."
    yield Gauge("ledger_undecided_notifications", meaning, counts or {("none",): 0.0}, ("reason",))


def _projection_gauges(connection: Connection) -> Iterator[Gauge]:
    live = live_generations(connection)
    built: Sizes = {(name,): float(name in live) for name in PROJECTIONS}
    meaning = "1 for a read model that this code can read, 0 before it is built."
    yield Gauge("ledger_projection_built", meaning, built, ("projection",))
    meaning = "Age of the oldest event above the high-water mark, which no reader passes."
    held_seconds = high_water_mark_held_seconds(connection)
    yield Gauge("ledger_high_water_mark_held_seconds", meaning, {(): held_seconds})
    rows = lags(connection)
    for name, meaning, attribute in (
        ("lag_positions", "Positions not followed yet.", "positions"),
        ("lag_seconds", "Age of the oldest of them.", "seconds"),
        ("still_seconds", "How long it is followed and has not moved.", "still_seconds"),
        ("poison_events", "Poison events that were skipped.", "poison"),
    ):
        sizes: Sizes = {(lag.name,): float(getattr(lag, attribute)) for lag in rows}
        yield Gauge(f"ledger_projection_{name}", meaning, sizes, ("projection",))


def _newest_gauges(connection: Connection) -> Iterator[Gauge]:
    newest = newest_arrivals(connection, sorted(ledger().shops.shop_by_id))
    yield Gauge(
        "ledger_last_notification_timestamp_seconds",
        "When the newest verified notification arrived; nothing where there was none so far.",
        {(shop_id, mode): at.timestamp() for (shop_id, mode), at in newest.items()},
        ("shop_id", "mode"),
    )


def _log_gauges(connection: Connection, now: datetime) -> Iterator[Gauge]:
    standing = log_status(connection)
    stamp = newest_timestamp(connection)
    yield Gauge("ledger_log_size", "Entries of the log.", {(): standing.size})
    instants = (
        ("log_lag", "Age of the oldest of what has no entry yet.", standing.waiting_since or now),
        ("checkpoint_age", "Age of the newest checkpoint; nothing before it.", standing.signed_at),
        (
            "timestamp_age",
            "Age of the newest time stamp; nothing before it.",
            stamp and stamp.stamped_at,
        ),
    )
    for name, meaning, since in instants:
        ages: Sizes = {} if since is None else {(): (now - since).total_seconds()}
        yield Gauge(f"ledger_{name}_seconds", meaning, ages)


def _verify_gauges(connection: Connection) -> Iterator[Gauge]:
    last = last_verifications(connection)
    meaning = "When a check of ledger verify last came to its end; nothing before it."
    ended: Sizes = {(each.check,): each.ended_at.timestamp() for each in last}
    yield Gauge("ledger_verified_timestamp_seconds", meaning, ended, ("check",))
    fault_counts: Sizes = {(each.check,): float(each.fault_count) for each in last}
    yield Gauge("ledger_verify_faults", "Faults that it found then.", fault_counts, ("check",))


def _settings_gauges(shops: Shops) -> Iterator[Gauge]:
    """Yield what no database has to be asked for."""
    yield Gauge("ledger_build_info", "The version.", {(__version__,): 1.0}, ("version",))
    ends: Sizes = {
        (shop.id, Mode(key.mode).public, key.kind, key.fingerprint): key.not_after.timestamp()
        for shop in shops.shop_by_id.values()
        for key in shop.keys
        if key.not_after
    }
    meaning = "When a key ends; nothing for one that is always valid."
    labels = ("shop_id", "mode", "kind", "fingerprint")
    yield Gauge("ledger_key_expires_timestamp_seconds", meaning, ends, labels)


def _completeness_gauges(connection: Connection, *, now: datetime) -> Iterator[Gauge]:
    """Read how shops stand that compare themselves with files; nothing for all others."""
    proven_ages: Sizes = {}
    gaps: Sizes = {}
    missing: Sizes = {}
    for standing in standings(connection, now):
        shop = standing.shop_id, Mode(standing.mode).public
        if standing.last_proven_day is not None:
            proven_ages[shop] = (now.date() - standing.last_proven_day).days * 86_400.0
        gaps[shop] = float(standing.gaps)
        missing[shop] = float(len(standing.missing))
    labels = ("shop_id", "mode")
    yield Gauge(
        "ledger_last_proven_day_seconds",
        "Time since the last day of which it is proven that everything was told.",
        proven_ages,
        labels,
    )
    meaning = "Payments of the last 30 days that files list and the ledger does not know so."
    yield Gauge("ledger_gaps", meaning, gaps, labels)
    meaning = "Files of the platform that came regularly and then did not."
    yield Gauge("ledger_files_missing", meaning, missing, labels)


def _asking_gauges(connection: Connection, *, shops: Shops, now: datetime) -> Iterator[Gauge]:
    """Read how asking stands about the shops that have chosen it; nothing for all others."""
    questions: Sizes = {}
    stopped: Sizes = {}
    for standing in asking_standings(connection, shops, now):
        names = standing.shop_id, Mode(standing.mode).public
        stopped[names] = float(standing.stopped_by is not None)
        for (service, outcome), count in standing.by_outcome.items():
            questions[*names, service, outcome] = float(count)
    labels = ("shop_id", "mode")
    meaning = "Questions to the platform in the last day, by what came of them."
    yield Gauge("ledger_questions", meaning, questions, (*labels, "service", "outcome"))
    meaning = "1 while a shop is not asked about because the platform refused the password."
    yield Gauge("ledger_asking_stopped", meaning, stopped, labels)


def _suspect_gauges(connection: Connection, *, now: datetime) -> Iterator[Gauge]:
    """Count what was probably not told; nothing before the read model is built."""
    counts = count_suspects(connection, now)
    if counts is not None:
        sizes: Sizes = {
            (each.shop_id, each.mode, each.rule, each.certainty): float(each.count)
            for each in counts
        }
        meaning = "What was probably not told, as far as what was told gives it away."
        yield Gauge("ledger_suspects", meaning, sizes, ("shop_id", "mode", "rule", "certainty"))


def _drift_gauges(connection: Connection, *, now: datetime) -> Iterator[Gauge]:
    """Read how much was otherwise than before; nothing for a shop without any."""
    counts: Sizes = {
        (standing.shop_id, Mode(standing.mode).public, drift): float(count)
        for standing in drift_standings(connection, now)
        for drift, count in standing.count_by_drift.items()
    }
    meaning = "What calls of the last seven days had otherwise than those before."
    yield Gauge("ledger_drift_findings", meaning, counts, ("shop_id", "mode", "drift"))


def _publishing_gauges(connection: Connection) -> Iterator[Gauge]:
    """Read how far each destination has come; nothing where nothing is published."""
    figures_by_name = {
        each.name: (
            *lag_of(connection, each.position),
            each.failures,
            each.disabled_at is not None,
        )
        for each in destination_standings(connection)
    }
    gauges = (
        ("lag_positions", "Positions not published yet."),
        ("lag_seconds", "Age of the oldest of them."),
        ("failures", "Tries of a webhook that failed since the last success."),
        ("disabled", "1 while a webhook is disabled."),
    )
    for number, (name, meaning) in enumerate(gauges):
        sizes: Sizes = {(key,): float(each[number]) for key, each in figures_by_name.items()}
        yield Gauge(f"ledger_publishing_{name}", meaning, sizes, ("destination",))

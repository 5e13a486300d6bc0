"""Lets the service run on PostgreSQL as a role that adds to what was recorded and cannot change it.

The owner of the tables migrates. The service has a schema under its own name, which PostgreSQL
looks into first by default: its read models lie there, and all else is found where the owner made
it.
"""

from collections.abc import Iterator, Mapping

from sqlalchemy import Connection, bindparam, text

from ledger.errors import SettingsError
from ledger.storage.access_tables import access_addresses, access_log, tokens
from ledger.storage.alert_tables import alert_conditions
from ledger.storage.append_only_triggers import APPEND_ONLY
from ledger.storage.columns import metadata
from ledger.storage.destination_tables import destinations
from ledger.storage.listed_money import listed_money
from ledger.storage.tables import archives, high_water_mark, quarantine, schema_revisions

MORE_RIGHTS: Mapping[str, tuple[str, ...]] = {
    quarantine.name: ("DELETE",),
    "subscription_references": ("UPDATE",),
    tokens.name: ("UPDATE",),
    "users": ("UPDATE",),
    "second_factors": ("UPDATE", "DELETE"),
    "recovery_codes": ("DELETE",),
    "generations": ("UPDATE", "DELETE"),
    "generation_positions": ("UPDATE", "DELETE"),
    "poison_events": ("DELETE",),
    "leases": ("UPDATE", "DELETE"),
    "log_progress": ("UPDATE",),
    high_water_mark.name: ("UPDATE",),
    "person_tags": ("DELETE",),
    "person_progress": ("UPDATE",),
    "drift_kinds": ("UPDATE", "DELETE"),
    "drift_names": ("UPDATE", "DELETE"),
    "drift_values": ("UPDATE", "DELETE"),
    "drift_findings": ("DELETE",),
    "drift_progress": ("UPDATE",),
    listed_money.name: ("DELETE",),
    "origin_secrets": ("UPDATE", "DELETE"),
    "failed_tries": ("DELETE",),
    access_log.name: ("DELETE",),
    alert_conditions.name: ("UPDATE", "DELETE"),
    destinations.name: ("UPDATE", "DELETE"),
    access_addresses.name: ("DELETE",),
}
"""What the service may do to a table beside reading and adding rows; to all others nothing."""

_CHANGES = ("UPDATE", "DELETE", "TRUNCATE", "TRIGGER")

_SERVICE_ROLES = text(
    "SELECT r.rolname FROM pg_namespace n JOIN pg_roles r ON r.rolname = n.nspname"
    " WHERE pg_get_userbyid(n.nspowner) = current_user AND r.rolname <> current_user"
    " AND has_schema_privilege(r.oid, n.oid, 'CREATE') ORDER BY r.rolname"
)
_FAULTS_OF_ROLE = text(
    "SELECT rolsuper OR rolname = current_user OR pg_has_role(oid, current_user, 'MEMBER')"
    " FROM pg_roles WHERE rolname = :role"
)
_MAY_CREATE = text("SELECT has_schema_privilege(:role, current_schema(), 'CREATE')")
_SEQUENCES = text(
    "SELECT quote_ident(s.relname) FROM pg_class s JOIN pg_depend d ON d.objid = s.oid"
    " JOIN pg_class t ON t.oid = d.refobjid"
    " WHERE s.relkind = 'S' AND t.relname IN :tables AND pg_table_is_visible(t.oid)"
).bindparams(bindparam("tables", expanding=True))
_HAS_RIGHT = text("SELECT has_table_privilege(current_user, :table, :right)")


def grant_to_service(connection: Connection, role: str | None) -> str | None:
    """Give the service's role what it needs on every table, and take what it does not.

    Shape: without a role the one of the last time; the role that was given its rights, or None.
    Errors: SettingsError when there is no such role, when it could change what was recorded all
    the same, or when another is the service's already.
    """
    known_roles = list(connection.scalars(_SERVICE_ROLES))
    role = role or next(iter(known_roles), None)
    if role is None:
        return None
    if known_roles not in ([], [role]):
        known = ", ".join(known_roles)
        raise SettingsError(
            f"the service has the role {known}: to give it {role}, DROP SCHEMA {known} CASCADE,"
            " whose read models are made anew"
        )
    _refuse_unfit(connection, role)
    for statement in _statements(connection, role):
        connection.exec_driver_sql(statement)
    if connection.scalar(_MAY_CREATE, {"role": role}):
        raise SettingsError(
            f"{role} may create tables beside the ledger's own: as a superuser,"
            " REVOKE CREATE ON SCHEMA public FROM PUBLIC, as PostgreSQL 15 and newer do"
        )
    return role


def _refuse_unfit(connection: Connection, role: str) -> None:
    has_too_much = connection.scalar(_FAULTS_OF_ROLE, {"role": role})
    if has_too_much is None:
        raise SettingsError(f"there is no role {role}: see deploy/roles.sql")
    if has_too_much:
        raise SettingsError(
            f"{role} is a superuser, or may act as the owner of the tables: no right that it"
            " lacks would hold it back"
        )


def _statements(connection: Connection, role: str) -> Iterator[str]:
    quote = connection.dialect.identifier_preparer.quote_identifier
    schema, service = str(connection.scalar(text("SELECT current_schema()"))), quote(role)
    yield f"REVOKE CREATE ON SCHEMA {quote(schema)} FROM PUBLIC, {service}"
    yield f"GRANT USAGE ON SCHEMA {quote(schema)} TO {service}"
    for table in metadata.tables:
        yield f"REVOKE ALL ON {table} FROM {service}"
        yield f"GRANT {', '.join(_needed(table))} ON {table} TO {service}"
    yield f"GRANT EXECUTE ON FUNCTION ledger_add_month_of_bodies(date) TO {service}"
    yield f"REVOKE ALL ON alembic_version FROM {service}"
    yield f"GRANT SELECT ON alembic_version TO {service}"
    for sequence in connection.scalars(_SEQUENCES, {"tables": list(metadata.tables)}):
        yield f"REVOKE ALL ON SEQUENCE {sequence} FROM {service}"
        yield f"GRANT USAGE, SELECT ON SEQUENCE {sequence} TO {service}"
    yield f"CREATE SCHEMA IF NOT EXISTS {service}"
    yield f"GRANT USAGE, CREATE ON SCHEMA {service} TO {service}"


def _needed(table: str) -> tuple[str, ...]:
    if table in (schema_revisions.name, archives.name):
        return ("SELECT",)  # written with changes of tables, which are the owner's
    return ("SELECT", "INSERT", *MORE_RIGHTS.get(table, ()))


def missing_rights(connection: Connection) -> list[str]:
    """Name what this connection's role needs and lacks. Shape: `INSERT on events`."""
    return [
        f"{right} on {table}"
        for table in metadata.tables
        for right in _needed(table)
        if not connection.scalar(_HAS_RIGHT, {"table": table, "right": right})
    ]


def changeable_tables(connection: Connection) -> list[str]:
    """Name the tables of what was recorded that this connection's role could change.

    Shape: of the access log its trigger lets old rows go, so to delete there is no right to change.
    """
    recorded = (metadata.tables.keys() - MORE_RIGHTS.keys()) | set(APPEND_ONLY)
    return [
        table for table in sorted(recorded) if connection.scalar(_HAS_RIGHT, _changes_of(table))
    ]


def _changes_of(table: str) -> dict[str, str]:
    rights = [right for right in _CHANGES if right not in MORE_RIGHTS.get(table, ())]
    return {"table": table, "right": ", ".join(rights)}

-- Lets Debezium or another PostgreSQL follow what is appended, without what is about people.
-- Run once by a superuser with psql on the database of the ledger; PostgreSQL 15 or newer, with wal_level = logical.
-- The password comes from the environment, so that no list of processes shows it.

\set ON_ERROR_STOP on
\getenv replication_password LEDGER_REPLICATION_PASSWORD

CREATE ROLE ledger_replication LOGIN REPLICATION PASSWORD :'replication_password';
GRANT CONNECT ON DATABASE :"DBNAME" TO ledger_replication;
GRANT USAGE ON SCHEMA public TO ledger_replication;

-- To copy what is there already, a follower reads the same columns.
GRANT SELECT (position, originator_id, originator_version, topic, origin_id, state)
    ON public.events TO ledger_replication;
GRANT SELECT (place, id, received_at, recorded_at, format, shop_id, mode, outcome, reason, positions)
    ON public.notifications TO ledger_replication;

CREATE PUBLICATION ledger_events FOR TABLE
    public.events (position, originator_id, originator_version, topic, origin_id, state),
    public.notifications (place, id, received_at, recorded_at, format, shop_id, mode, outcome, reason, positions)
    WITH (publish = 'insert');

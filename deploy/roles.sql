-- Two roles for one ledger, to be run once by a superuser with psql, version 14 or newer.
-- The owner migrates, verifies and archives. The service adds to what was recorded and cannot change it.
-- The passwords come from the environment, so that no list of processes shows them.

\set ON_ERROR_STOP on
\getenv owner_password LEDGER_OWNER_PASSWORD
\getenv service_password LEDGER_SERVICE_PASSWORD

CREATE ROLE ledger_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE ledger_service LOGIN PASSWORD :'service_password';

-- The owner reads the read models too, which the service makes in a schema of its own name.
GRANT ledger_service TO ledger_owner;

CREATE DATABASE ledger OWNER ledger_owner;
REVOKE ALL ON DATABASE ledger FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE ledger TO ledger_service;
ALTER ROLE ledger_owner IN DATABASE ledger SET search_path = public, ledger_service;

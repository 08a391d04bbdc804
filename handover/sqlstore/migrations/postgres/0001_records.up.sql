-- One row per record: a customer of a channel. Text is compared byte by byte (COLLATE "C"); wake_at is microseconds since 1970, 0 is never.
-- Each message updates its customer's row twice: fillfactor leaves space for the new version on the same page, and autovacuum
-- runs early.
CREATE TABLE IF NOT EXISTS handover_records (
    channel         text COLLATE "C" NOT NULL,
    customer        text COLLATE "C" NOT NULL,
    revision        bigint NOT NULL CHECK (revision > 0),
    conversation_id text COLLATE "C" NOT NULL,
    wake_at         bigint NOT NULL CHECK (wake_at >= 0),
    data            bytea NOT NULL,
    PRIMARY KEY (channel, customer)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

-- Partial indexes: their size does not depend on the number of records that are never due or have no conversation.
CREATE INDEX IF NOT EXISTS handover_records_wake_at ON handover_records (wake_at) WHERE wake_at > 0;
CREATE INDEX IF NOT EXISTS handover_records_conversation_id ON handover_records (conversation_id) WHERE conversation_id <> '';

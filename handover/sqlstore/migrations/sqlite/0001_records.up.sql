-- One row per record: a customer of a channel. Text is compared byte by byte (BINARY, SQLite's default); wake_at is microseconds since
-- 1970, 0 is never. data is the last column, so that the others are read without it.
CREATE TABLE IF NOT EXISTS handover_records (
    channel         TEXT NOT NULL,
    customer        TEXT NOT NULL,
    revision        INTEGER NOT NULL CHECK (revision > 0),
    conversation_id TEXT NOT NULL,
    wake_at         INTEGER NOT NULL CHECK (wake_at >= 0),
    data            BLOB NOT NULL,
    PRIMARY KEY (channel, customer)
);

-- Partial indexes: their size does not depend on the number of records that are never due or have no conversation.
CREATE INDEX IF NOT EXISTS handover_records_wake_at ON handover_records (wake_at) WHERE wake_at > 0;
CREATE INDEX IF NOT EXISTS handover_records_conversation_id ON handover_records (conversation_id) WHERE conversation_id <> '';

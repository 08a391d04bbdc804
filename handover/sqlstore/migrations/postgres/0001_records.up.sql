-- One record a customer of a channel. Text is compared byte by byte (COLLATE "C"); wake_at is microseconds since 1970, 0 is never.
-- Every message updates its customer's row twice: the room that fillfactor leaves keeps the new version on the same page, and
-- vacuum comes early.
CREATE TABLE IF NOT EXISTS handover_records (
    channel         text COLLATE "C" NOT NULL,
    customer        text COLLATE "C" NOT NULL,
    revision        bigint NOT NULL CHECK (revision > 0),
    conversation_id text COLLATE "C" NOT NULL,
    wake_at         bigint NOT NULL CHECK (wake_at >= 0),
    data            bytea NOT NULL,
    PRIMARY KEY (channel, customer)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

-- Small indexes, so that what is due and what belongs to a conversation is found among any number of sleeping records.
CREATE INDEX IF NOT EXISTS handover_records_wake_at ON handover_records (wake_at) WHERE wake_at > 0;
CREATE INDEX IF NOT EXISTS handover_records_conversation_id ON handover_records (conversation_id) WHERE conversation_id <> '';

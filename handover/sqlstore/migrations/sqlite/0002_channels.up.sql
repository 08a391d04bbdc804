-- Indexes by channel, for stores that several Managers share. Each index of Due ends with the rest of the order in which Due
-- returns records, so that a page is read in order, from the place where the page before it ended, without sorting.
CREATE INDEX IF NOT EXISTS handover_records_due ON handover_records (wake_at, channel, customer) WHERE wake_at > 0;
CREATE INDEX IF NOT EXISTS handover_records_channel_due ON handover_records (channel, wake_at, customer) WHERE wake_at > 0;
CREATE INDEX IF NOT EXISTS handover_records_conversation ON handover_records (conversation_id, channel) WHERE conversation_id <> '';
DROP INDEX IF EXISTS handover_records_wake_at;
DROP INDEX IF EXISTS handover_records_conversation_id;

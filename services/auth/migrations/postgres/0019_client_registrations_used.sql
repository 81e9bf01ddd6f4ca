-- The time of the first tokens for a person that a client that registered itself was given, without which it is deleted after some
-- time, and the initial access token that it registered with.
ALTER TABLE client_registrations ADD COLUMN used_at BIGINT;
ALTER TABLE client_registrations ADD COLUMN initial_token_id UUID;

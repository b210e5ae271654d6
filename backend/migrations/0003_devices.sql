-- +goose Up
-- Browsers that have signed a person in lately. A row gives no right: it only has a share of code tries and code mails
-- of its own, which strangers cannot use up.
CREATE TABLE identity_devices (
    id          {{key}} PRIMARY KEY,
    token_hash  {{bytes}} NOT NULL,
    user_id     {{key}} NOT NULL REFERENCES directory_users (id),
    created_at  {{time}} NOT NULL,
    expires_at  {{time}} NOT NULL
);
CREATE UNIQUE INDEX identity_devices_token ON identity_devices (token_hash);
CREATE INDEX identity_devices_user ON identity_devices (user_id);
CREATE INDEX identity_devices_expires ON identity_devices (expires_at);

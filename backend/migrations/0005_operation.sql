-- +goose Up
-- What the house remembers of its own upkeep: when the last backup was made, when it was restored, and that a restore has
-- not been finished. One row a name.
CREATE TABLE operation_marks (
    name  {{key}} PRIMARY KEY,
    at    {{time}} NOT NULL,
    note  {{text}} NOT NULL DEFAULT ''
);

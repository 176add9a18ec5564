-- @name: Quotes "and" \backslashes\
-- @description: {braces} stay, and so does #"raw"#.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: true

-- UP MIGRATION
CREATE TABLE quotes (id INTEGER PRIMARY KEY, t TEXT DEFAULT '"#{}\');

-- DOWN MIGRATION
DROP TABLE quotes;

-- @author: me
-- @transaction: false
-- @allow: drop-table
DROP TABLE d;
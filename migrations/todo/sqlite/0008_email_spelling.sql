-- @name: E-mails in lower case
-- @description: Users sign in whatever the case of the letters. The old spelling is kept, so that
--   the way back restores it.
-- @timestamp: 2026-02-09T09:00:00Z
-- @rollbackSafe: true
-- @performanceImpact: medium
-- @dependencies: [0001_users]

-- CHECK BEFORE: no two users differ only in the case of their e-mail
SELECT lower(email) AS email, count(*) AS users FROM users GROUP BY lower(email) HAVING count(*) > 1;

-- UP MIGRATION (forward changes)
CREATE TABLE email_spellings (
  user_id INTEGER PRIMARY KEY,
  email TEXT NOT NULL,
  CONSTRAINT email_spellings_user_id_fk FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) STRICT;

INSERT INTO email_spellings (user_id, email)
SELECT id, email FROM users WHERE email <> lower(email);

UPDATE users SET email = lower(email) WHERE email <> lower(email);

-- CHECK AFTER: every e-mail is in lower case
SELECT id, email FROM users WHERE email <> lower(email);

-- CHECK AFTER: every spelling that was kept belongs to the e-mail it was
SELECT users.id, users.email, email_spellings.email AS kept
FROM email_spellings JOIN users ON users.id = email_spellings.user_id
WHERE lower(email_spellings.email) <> users.email;

-- DOWN MIGRATION (rollback changes)
-- Who has changed the e-mail since keeps the new one.
UPDATE users
SET email = (SELECT kept.email FROM email_spellings AS kept WHERE kept.user_id = users.id)
WHERE EXISTS (
  SELECT 1 FROM email_spellings AS kept
  WHERE kept.user_id = users.id AND lower(kept.email) = users.email
);

DROP TABLE email_spellings;

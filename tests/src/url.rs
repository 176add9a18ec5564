//! The parts of a server's URL that tests replace: the address, and the database.
//!
//! Deliberately no general URL parser. Credentials and options are carried along untouched.

use std::fmt;

/// The URL of a server on TCP, `scheme://[credentials@]host[:port][/database][?options]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerUrl {
    /// What stands before `://`.
    pub scheme: String,
    /// `user` or `user:password`, still percent-encoded.
    pub credentials: Option<String>,
    /// A name or an address.
    pub host: String,
    /// Given, or the default one of the scheme.
    pub port: u16,
    /// Without the slash; empty when there is none.
    pub database: String,
    /// What stands behind `?`.
    pub options: Option<String>,
}

impl ServerUrl {
    /// Takes a URL apart.
    ///
    /// # Panics
    ///
    /// When the text is no such URL. Tests cannot go on then.
    pub fn parse(text: &str) -> ServerUrl {
        ServerUrl::try_parse(text).unwrap_or_else(|| {
            panic!("cannot read {text:?} as scheme://[user[:password]@]host[:port]/database")
        })
    }

    /// The same server, another database.
    pub fn with_database(&self, database: &str) -> ServerUrl {
        ServerUrl {
            database: database.to_owned(),
            ..self.clone()
        }
    }

    /// The same database, by another way.
    pub fn with_address(&self, host: &str, port: u16) -> ServerUrl {
        ServerUrl {
            host: host.to_owned(),
            port,
            ..self.clone()
        }
    }

    fn try_parse(text: &str) -> Option<ServerUrl> {
        let (scheme, rest) = text.split_once("://")?;
        let (rest, options) = match rest.split_once('?') {
            Some((rest, options)) => (rest, Some(options.to_owned())),
            None => (rest, None),
        };
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (credentials, address) = match authority.rsplit_once('@') {
            Some((credentials, address)) => (Some(credentials.to_owned()), address),
            None => (None, authority),
        };
        let (host, port) = match address.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().ok()?),
            None if scheme.starts_with("postgres") => (address, 5432),
            None => (address, 3306),
        };
        (!host.is_empty()).then(|| ServerUrl {
            scheme: scheme.to_owned(),
            credentials,
            host: host.to_owned(),
            port,
            database: database.to_owned(),
            options,
        })
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme)?;
        if let Some(credentials) = &self.credentials {
            write!(f, "{credentials}@")?;
        }
        write!(f, "{}:{}/{}", self.host, self.port, self.database)?;
        if let Some(options) = &self.options {
            write!(f, "?{options}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::ServerUrl;

    #[test]
    fn only_the_named_part_changes() {
        let url = ServerUrl::parse("postgres://me:p%40ss@db.local:6000/app?sslmode=disable");
        assert_eq!(
            url.with_database("other").to_string(),
            "postgres://me:p%40ss@db.local:6000/other?sslmode=disable"
        );
        assert_eq!(
            url.with_address("127.0.0.1", 1).to_string(),
            "postgres://me:p%40ss@127.0.0.1:1/app?sslmode=disable"
        );
    }

    #[test]
    fn the_port_is_the_usual_one() {
        assert_eq!(ServerUrl::parse("postgresql://localhost/x").port, 5432);
        assert_eq!(ServerUrl::parse("mysql://root@localhost").port, 3306);
    }
}

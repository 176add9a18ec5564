//! The outside of two wire protocols: where a message ends, what kind it is, which SQL it carries.
//!
//! Just enough for the proxy to count and to cut; results are never looked into.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::proxy::{Kind, Message};

/// Which protocol the server behind the proxy speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Postgres,
    MySql,
}

impl Protocol {
    /// The protocol of a URL's scheme.
    pub(crate) fn of_scheme(scheme: &str) -> Option<Protocol> {
        match scheme {
            "postgres" | "postgresql" => Some(Protocol::Postgres),
            "mysql" | "mariadb" => Some(Protocol::MySql),
            _ => None,
        }
    }

    /// Reads one message of an established connection, header included; None at the end.
    pub(crate) async fn read(
        self,
        from: &mut (impl AsyncRead + Unpin),
    ) -> io::Result<Option<Vec<u8>>> {
        match self {
            // A type, then a length that counts itself but not the type.
            Protocol::Postgres => {
                read_frame::<5>(from, |head| {
                    u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize + 1
                })
                .await
            }
            Protocol::MySql => read_mysql(from).await,
        }
    }

    /// What a client's frame is. None for data that belongs to an earlier message.
    pub(crate) fn message(self, connection: usize, frame: &[u8]) -> Option<Message> {
        let (kind, waits, sql) = match self {
            Protocol::Postgres => postgres_message(frame[0], &frame[5..]),
            // The client starts to count at zero with each command.
            Protocol::MySql if frame[3] != 0 || frame.len() == 4 => return None,
            Protocol::MySql => mysql_message(frame[4], &frame[5..]),
        };
        Some(Message {
            connection,
            kind,
            waits,
            sql,
        })
    }

    /// Does the server say by this frame that it waits for requests? The first time that it does,
    /// the set-up of the connection is over.
    pub(crate) fn is_ready(self, frame: &[u8]) -> bool {
        match self {
            // ReadyForQuery
            Protocol::Postgres => frame[0] == b'Z',
            // OK; what comes between the greeting and the first one is about the password. Later
            // on it is only one of several possible answers.
            Protocol::MySql => frame.get(4) == Some(&0x00),
        }
    }
}

/// What a client of PostgreSQL sends first, before messages have types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    /// Asks for encryption; to be answered with one letter.
    Encryption,
    /// Asks to cancel what another connection does; nothing follows.
    Cancel,
    /// Names user and database.
    Startup,
}

/// Reads what has no type yet: a length that counts itself, then a number that says what it is.
pub(crate) async fn read_opening(
    from: &mut (impl AsyncRead + Unpin),
) -> io::Result<Option<(Opening, Vec<u8>)>> {
    let frame = read_frame::<8>(from, |head| {
        u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize
    })
    .await?;
    Ok(frame.map(|frame| {
        let opening = match u32::from_be_bytes([frame[4], frame[5], frame[6], frame[7]]) {
            80_877_103 | 80_877_104 => Opening::Encryption,
            80_877_102 => Opening::Cancel,
            _ => Opening::Startup,
        };
        (opening, frame)
    }))
}

/// Takes the offer to encrypt out of the greeting of a MySQL server: nothing could be read then.
pub(crate) fn withdraw_encryption(greeting: &mut [u8]) {
    const CLIENT_SSL_HIGH: u8 = 0x08;
    // Header, protocol version, server version up to a zero, thread, salt and a zero: then come
    // the capabilities.
    let Some(version_end) = greeting.iter().skip(5).position(|&byte| byte == 0) else {
        return;
    };
    if let Some(capabilities) = greeting.get_mut(5 + version_end + 1 + 4 + 8 + 1 + 1) {
        *capabilities &= !CLIENT_SSL_HIGH;
    }
}

fn postgres_message(tag: u8, body: &[u8]) -> (Kind, bool, Option<String>) {
    match tag {
        b'Q' => (Kind::Query, true, Some(text_until_zero(body))),
        b'P' => {
            let name_end = body.iter().position(|&byte| byte == 0);
            let sql = name_end.map(|end| text_until_zero(&body[end + 1..]));
            (Kind::Prepare, false, sql)
        }
        b'B' => (Kind::Bind, false, None),
        b'D' => (Kind::Describe, false, None),
        b'E' => (Kind::Execute, false, None),
        b'S' => (Kind::Sync, true, None),
        b'H' => (Kind::Flush, true, None),
        b'C' => (Kind::Close, false, None),
        b'F' => (Kind::FunctionCall, true, None),
        b'd' | b'c' | b'f' => (Kind::Copy, false, None),
        b'X' => (Kind::Terminate, false, None),
        other => (Kind::Other(other), false, None),
    }
}

fn mysql_message(command: u8, body: &[u8]) -> (Kind, bool, Option<String>) {
    match command {
        0x01 => (Kind::Terminate, false, None),
        0x02 => (Kind::InitDb, true, Some(text_until_zero(body))),
        0x03 => (Kind::Query, true, Some(text_until_zero(body))),
        0x0e => (Kind::Ping, true, None),
        0x16 => (Kind::Prepare, true, Some(text_until_zero(body))),
        0x17 => (Kind::Execute, true, None),
        // Data for a statement that is executed later.
        0x18 => (Kind::Bind, false, None),
        0x19 => (Kind::Close, false, None),
        0x1f => (Kind::ResetConnection, true, None),
        other => (Kind::Other(other), true, None),
    }
}

/// Reads a message of MySQL, which is split into packets when it is long.
async fn read_mysql(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    const FULL: u32 = 0xff_ffff;
    let mut message: Option<Vec<u8>> = None;
    loop {
        // A length that counts neither itself nor the sequence number behind it.
        let mut length = 0;
        let frame = read_frame::<4>(from, |head| {
            length = u32::from_le_bytes([head[0], head[1], head[2], 0]);
            length as usize + 4
        })
        .await?;
        let Some(frame) = frame else {
            return Ok(message);
        };
        match &mut message {
            Some(message) => message.extend(frame),
            None => message = Some(frame),
        }
        if length < FULL {
            return Ok(message);
        }
    }
}

fn text_until_zero(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&byte| byte == 0);
    String::from_utf8_lossy(&bytes[..end.unwrap_or(bytes.len())]).into_owned()
}

/// Reads a head of `HEAD` bytes and as much as it says that the whole frame has.
async fn read_frame<const HEAD: usize>(
    from: &mut (impl AsyncRead + Unpin),
    whole: impl FnOnce(&[u8; HEAD]) -> usize,
) -> io::Result<Option<Vec<u8>>> {
    let mut head = [0; HEAD];
    if from.read(&mut head[..1]).await? == 0 {
        return Ok(None);
    }
    from.read_exact(&mut head[1..]).await?;
    let mut frame = head.to_vec();
    let length = whole(&head);
    if length < HEAD {
        let message = format!("a frame of {length} bytes that starts with {head:?}");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    frame.resize(length, 0);
    from.read_exact(&mut frame[HEAD..]).await?;
    Ok(Some(frame))
}

#[cfg(test)]
mod tests {
    use super::{Protocol, withdraw_encryption};
    use crate::proxy::Kind;

    fn of(protocol: Protocol, frame: &[u8]) -> (Kind, Option<String>) {
        let message = protocol.message(0, frame).expect("a message");
        (message.kind, message.sql)
    }

    #[test]
    fn the_sql_is_found_in_both_protocols() {
        let select = Some("SELECT 1".to_owned());
        for (protocol, frame, kind) in [
            (
                Protocol::Postgres,
                &b"Q\0\0\0\x0dSELECT 1\0"[..],
                Kind::Query,
            ),
            (
                Protocol::Postgres,
                b"P\0\0\0\x12name\0SELECT 1\0\0\0",
                Kind::Prepare,
            ),
            (Protocol::MySql, b"\x09\0\0\0\x03SELECT 1", Kind::Query),
            (Protocol::MySql, b"\x09\0\0\0\x16SELECT 1", Kind::Prepare),
        ] {
            assert_eq!(of(protocol, frame), (kind, select.clone()));
        }
    }

    #[test]
    fn the_rest_of_a_long_mysql_command_is_no_command() {
        assert!(Protocol::MySql.message(0, b"\x01\0\0\x01\x03").is_none());
    }

    #[test]
    fn the_greeting_no_longer_offers_encryption() {
        let mut greeting = b"HEAD\x0a8.0\0THRDSALTSALT\0\xff\xff".to_vec();
        withdraw_encryption(&mut greeting);
        assert_eq!(greeting, b"HEAD\x0a8.0\0THRDSALTSALT\0\xff\xf7");
    }

    #[tokio::test]
    async fn frames_end_where_their_heads_say() {
        let stream = b"S\0\0\0\x04Q\0\0\0\x06x\0";
        let mut from = &stream[..];
        for expected in [Some(&stream[..5]), Some(&stream[5..]), None] {
            let frame = Protocol::Postgres.read(&mut from).await.expect("whole");
            assert_eq!(frame.as_deref(), expected);
        }
        let cut = Protocol::Postgres.read(&mut &stream[..3]).await;
        assert!(cut.is_err(), "{cut:?}");
    }
}

//! As much of HTTP as it takes to ask a service on this machine.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

pub(crate) fn get(address: &str, path: &str) -> (u16, Value) {
    request(address, "GET", path, None)
}

pub(crate) fn post(address: &str, path: &str, body: &Value) -> (u16, Value) {
    request(address, "POST", path, Some(body))
}

pub(crate) fn patch(address: &str, path: &str, body: &Value) -> (u16, Value) {
    request(address, "PATCH", path, Some(body))
}

pub(crate) fn delete(address: &str, path: &str) -> u16 {
    request(address, "DELETE", path, None).0
}

/// The status and the body, which is null where there is none.
fn request(address: &str, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
    let body = body.map(Value::to_string).unwrap_or_default();
    let mut stream = TcpStream::connect(address).expect("the service listens");
    let patience = Some(Duration::from_secs(120));
    stream.set_read_timeout(patience).expect("it is not zero");
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream
        .write_all(request.as_bytes())
        .expect("the service reads");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .expect("the service answers");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let status = status.unwrap_or_else(|| panic!("no status in {head:?}"));
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

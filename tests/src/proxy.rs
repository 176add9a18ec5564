//! Stands between a client and its server, counts what the client asks, and breaks it on demand.
//!
//! What a library promises about round trips and about broken connections is only visible from
//! outside. The proxy speaks the protocols of PostgreSQL and MySQL as far as it needs to tell
//! messages apart; what it forwards it never changes, except that it declines encryption.
//!
//! It runs on a thread of its own, so that a test may block, drop its runtime or be a program of
//! its own without stopping it.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};

use crate::announce::announce;
use crate::url::ServerUrl;
use crate::wire::{self, Opening, Protocol};

/// A proxy that listens on a loopback port of its own until it is dropped.
#[derive(Debug)]
pub struct Proxy {
    url: String,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Something that a client sent after its connection was set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Which connection it came on: 0 is the first one through this proxy.
    pub connection: usize,
    /// What it asks for.
    pub kind: Kind,
    /// Does the client wait for an answer after it? This is what a round trip is.
    pub waits: bool,
    /// The SQL it carries, or the database for [`Kind::InitDb`].
    pub sql: Option<String>,
}

/// What a message asks for. Both protocols share the names where they share the idea.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Run this text: simple query, `COM_QUERY`.
    Query,
    /// Parse this text for later: `Parse`, `COM_STMT_PREPARE`.
    Prepare,
    /// Give a prepared statement its values; PostgreSQL only.
    Bind,
    /// Ask for the types of a prepared statement; PostgreSQL only.
    Describe,
    /// Run what was prepared: `Execute`, `COM_STMT_EXECUTE`.
    Execute,
    /// End of a group of messages, the answer to all of which is waited for; PostgreSQL only.
    Sync,
    /// Ask for the answers so far; PostgreSQL only.
    Flush,
    /// Forget a prepared statement: `Close`, `COM_STMT_CLOSE`.
    Close,
    /// Call a function by number; PostgreSQL only.
    FunctionCall,
    /// Data of a `COPY`; PostgreSQL only.
    Copy,
    /// Are you there? `COM_PING`.
    Ping,
    /// Change the database; MySQL only.
    InitDb,
    /// Start the session anew; MySQL only.
    ResetConnection,
    /// Good-bye: `Terminate`, `COM_QUIT`.
    Terminate,
    /// Anything else, by its number on the wire.
    Other(u8),
}

/// How a round trip fails. The connection is gone afterwards, and the server has noticed that:
/// its locks are free and its transaction is over when the client learns of it. (Behind pgbouncer
/// that is true of pgbouncer only; the server follows within moments.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The server never got the request.
    Unsent,
    /// The server carried out the request, and the answer was lost.
    Unanswered,
}

/// How long a fault lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spell {
    /// One round trip fails; the next connection works.
    Once,
    /// From then on every round trip fails, and every new connection is closed at once.
    ForGood,
}

impl Proxy {
    /// Starts a proxy in front of the server of a URL.
    ///
    /// # Panics
    ///
    /// When the URL is not one of PostgreSQL or MySQL, or there is no loopback port.
    pub fn start(upstream_url: &str) -> Proxy {
        let upstream = ServerUrl::parse(upstream_url);
        let protocol = Protocol::of_scheme(&upstream.scheme)
            .unwrap_or_else(|| panic!("the proxy does not speak {}", upstream.scheme));
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        listener.set_nonblocking(true).expect("a usable socket");
        let port = listener.local_addr().expect("it is bound").port();
        let shared = Arc::new(Shared {
            protocol,
            upstream: (upstream.host.clone(), upstream.port),
            state: Mutex::default(),
        });
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || run(listener, &shared, stopped)
        });
        Proxy {
            url: upstream.with_address("127.0.0.1", port).to_string(),
            shared,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// The URL of the same database through this proxy.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How often the client has waited for an answer since the last [`reset`](Proxy::reset), the
    /// set-up of connections not counted.
    ///
    /// sqlx sends one `SET` after the set-up of each MySQL connection, which does count: reset
    /// after connecting, or look at [`messages`](Proxy::messages) per connection.
    pub fn round_trips(&self) -> usize {
        let state = self.shared.state();
        state.messages.iter().filter(|m| m.waits).count()
    }

    /// How many connections were opened since the last [`reset`](Proxy::reset).
    pub fn connections(&self) -> usize {
        let state = self.shared.state();
        state.opened - state.opened_at_reset
    }

    /// What the clients have sent since the last [`reset`](Proxy::reset), in order of arrival.
    pub fn messages(&self) -> Vec<Message> {
        self.shared.state().messages.clone()
    }

    /// The messages as lines, for the text of an assertion.
    pub fn transcript(&self) -> String {
        let state = self.shared.state();
        let lines = state.messages.iter().map(|m| format!("  {m}\n"));
        lines.collect()
    }

    /// Forgets what was sent so far. Faults stay.
    pub fn reset(&self) {
        let mut state = self.shared.state();
        state.messages.clear();
        state.opened_at_reset = state.opened;
    }

    /// Lets the `n`-th round trip from now fail, 1 being the next. Replaces an earlier order.
    pub fn fail(&self, n: usize, fault: Fault, spell: Spell) {
        assert!(n > 0, "the first round trip is number 1");
        let mut state = self.shared.state();
        state.order = Some(Order {
            left: n,
            fault,
            spell,
        });
        state.failed = 0;
    }

    /// How many round trips have failed since the order to [`fail`](Proxy::fail) was given. Zero
    /// says that the scenario ended before its `n`-th round trip.
    pub fn failed(&self) -> usize {
        self.shared.state().failed
    }

    /// Holds back each request for this long before the server gets it.
    pub fn delay(&self, delay: Duration) {
        self.shared.state().delay = delay;
    }

    /// Holds back the `n`-th round trip from now, 1 being the next, until [`let_go`](Proxy::let_go).
    /// Other connections go on.
    pub fn hold(&self, n: usize) {
        assert!(n > 0, "the first round trip is number 1");
        let mut state = self.shared.state();
        (state.hold, state.is_holding) = (Some(n), false);
    }

    /// Whether something is held back.
    pub fn is_holding(&self) -> bool {
        self.shared.state().is_holding
    }

    /// Sends on what is held back, and takes back the order to hold.
    pub fn let_go(&self) {
        let mut state = self.shared.state();
        (state.hold, state.is_holding) = (None, false);
    }

    /// Takes back the orders to fail and to delay.
    pub fn mend(&self) {
        let mut state = self.shared.state();
        state.order = None;
        state.delay = Duration::ZERO;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // The receiver is gone only if the thread has ended.
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{} {:?}", self.connection, self.kind)?;
        if let Some(sql) = &self.sql {
            write!(f, " {sql}")?;
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Shared {
    protocol: Protocol,
    upstream: (String, u16),
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    messages: Vec<Message>,
    opened: usize,
    opened_at_reset: usize,
    order: Option<Order>,
    failed: usize,
    delay: Duration,
    /// How many round trips are left until one is held back, that one included.
    hold: Option<usize>,
    is_holding: bool,
}

/// An order to fail, which is carried out while `left` is zero.
#[derive(Clone, Copy, Debug)]
struct Order {
    left: usize,
    fault: Fault,
    spell: Spell,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics while holding this")
    }
}

impl State {
    /// Counts a new connection and returns its number; None when it has to be refused.
    fn open(&mut self) -> Option<usize> {
        if self.order.is_some_and(|order| order.left == 0) {
            self.failed += 1;
            return None;
        }
        self.opened += 1;
        Some(self.opened - 1)
    }

    /// Decides whether a message is held back.
    fn holds(&mut self, message: &Message) -> bool {
        let Some(left) = self.hold.as_mut().filter(|_| message.waits) else {
            return false;
        };
        *left -= 1;
        if *left > 0 {
            return false;
        }
        (self.hold, self.is_holding) = (None, true);
        true
    }

    /// Notes a message, and decides whether it fails.
    fn record(&mut self, message: Message) -> Option<Fault> {
        let waits = message.waits;
        self.messages.push(message);
        let order = self.order.as_mut().filter(|_| waits)?;
        order.left = order.left.saturating_sub(1);
        if order.left > 0 {
            return None;
        }
        let Order { fault, spell, .. } = *order;
        self.failed += 1;
        match spell {
            Spell::Once => self.order = None,
            Spell::ForGood => {}
        }
        Some(fault)
    }
}

/// One connection, seen from both directions.
struct Link {
    /// Is the set-up over?
    established: AtomicBool,
    /// Are answers thrown away?
    muted: AtomicBool,
    /// How often PostgreSQL has said that it is ready, the end of the set-up included.
    ready: watch::Sender<usize>,
}

fn run(listener: std::net::TcpListener, shared: &Arc<Shared>, mut stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be built");
    runtime.block_on(async {
        let listener = TcpListener::from_std(listener).expect("it does not block");
        loop {
            tokio::select! {
                _ = &mut stopped => return,
                accepted = listener.accept() => {
                    let opened = shared.state().open();
                    if let (Ok((client, _)), Some(connection)) = (accepted, opened) {
                        tokio::spawn(serve(Arc::clone(shared), client, connection));
                    }
                }
            }
        }
    });
}

async fn serve(shared: Arc<Shared>, client: TcpStream, connection: usize) {
    if let Err(error) = forward(&shared, client, connection).await {
        match error.kind() {
            // The ordinary ways in which a connection goes.
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::NotConnected
            | io::ErrorKind::UnexpectedEof => {}
            _ => announce(&format!("proxy, connection #{connection}: {error}")),
        }
    }
}

async fn forward(shared: &Shared, client: TcpStream, connection: usize) -> io::Result<()> {
    let (host, port) = &shared.upstream;
    let server = TcpStream::connect((host.as_str(), *port)).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (client_read, client_write) = client.into_split();
    let (server_read, server_write) = server.into_split();
    let link = Link {
        established: AtomicBool::new(false),
        muted: AtomicBool::new(false),
        ready: watch::Sender::new(0),
    };
    let ends = Ends {
        client_read: BufReader::new(client_read),
        client_write,
        server_read: BufReader::new(server_read),
        server_write,
    };
    let Some(ends) = open(shared.protocol, ends).await? else {
        return Ok(());
    };
    let answers = forward_answers(shared.protocol, &link, ends.server_read, ends.client_write);
    let requests = forward_requests(
        shared,
        &link,
        connection,
        ends.client_read,
        ends.server_write,
    );
    tokio::pin!(answers);
    tokio::select! {
        // The client has nothing more to say, or is cut off. Either way the server has been told;
        // once it has hung up too, its transaction is over and its locks are free.
        result = requests => {
            result?;
            answers.await
        }
        result = &mut answers => result,
    }
}

struct Ends {
    client_read: BufReader<OwnedReadHalf>,
    client_write: OwnedWriteHalf,
    server_read: BufReader<OwnedReadHalf>,
    server_write: OwnedWriteHalf,
}

/// Forwards what comes before messages as the protocols usually know them. None when nothing
/// follows.
async fn open(protocol: Protocol, mut ends: Ends) -> io::Result<Option<Ends>> {
    match protocol {
        Protocol::Postgres => loop {
            let Some((opening, frame)) = wire::read_opening(&mut ends.client_read).await? else {
                return Ok(None);
            };
            match opening {
                Opening::Encryption => ends.client_write.write_all(b"N").await?,
                Opening::Cancel => {
                    ends.server_write.write_all(&frame).await?;
                    // The server hangs up when it has passed the request on.
                    let _ = ends.server_read.read_to_end(&mut Vec::new()).await;
                    return Ok(None);
                }
                Opening::Startup => {
                    ends.server_write.write_all(&frame).await?;
                    return Ok(Some(ends));
                }
            }
        },
        Protocol::MySql => {
            let Some(mut greeting) = protocol.read(&mut ends.server_read).await? else {
                return Ok(None);
            };
            wire::withdraw_encryption(&mut greeting);
            ends.client_write.write_all(&greeting).await?;
            Ok(Some(ends))
        }
    }
}

async fn forward_answers(
    protocol: Protocol,
    link: &Link,
    mut server: BufReader<OwnedReadHalf>,
    mut client: OwnedWriteHalf,
) -> io::Result<()> {
    while let Some(frame) = protocol.read(&mut server).await? {
        if protocol.is_ready(&frame) {
            // Before the client knows, so that its next message finds it so.
            link.established.store(true, Ordering::Relaxed);
            link.ready.send_modify(|times| *times += 1);
        }
        // A client that is gone is no reason to stop: the server has to be heard out.
        if !link.muted.load(Ordering::Relaxed) && client.write_all(&frame).await.is_err() {
            link.muted.store(true, Ordering::Relaxed);
        }
    }
    Ok(())
}

async fn forward_requests(
    shared: &Shared,
    link: &Link,
    connection: usize,
    mut client: BufReader<OwnedReadHalf>,
    mut server: OwnedWriteHalf,
) -> io::Result<()> {
    // Messages whose answer is not waited for are held until the one comes whose answer is, so
    // that a request that fails unsent has not been sent in part.
    let mut held = Vec::new();
    let mut ready = link.ready.subscribe();
    let mut ready_expected = 1;
    while let Some(frame) = shared.protocol.read(&mut client).await? {
        held.extend_from_slice(&frame);
        let message = link
            .established
            .load(Ordering::Relaxed)
            .then(|| shared.protocol.message(connection, &frame))
            .flatten();
        let Some(message) = message else {
            server.write_all(&std::mem::take(&mut held)).await?;
            continue;
        };
        let Message { kind, waits, .. } = message;
        let holds = shared.state().holds(&message);
        while holds && shared.state().is_holding {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let fault = shared.state().record(message);
        if waits {
            let delay = shared.state().delay;
            tokio::time::sleep(delay).await;
        }
        link.muted.fetch_or(fault.is_some(), Ordering::Relaxed);
        match fault {
            Some(Fault::Unsent) => break,
            Some(Fault::Unanswered) => {
                server.write_all(&held).await?;
                if shared.protocol == Protocol::Postgres && kind != Kind::Flush {
                    // pgbouncer takes a closed connection for a reason to give up.
                    let _ = ready.wait_for(|times| *times > ready_expected).await;
                }
                break;
            }
            None if waits || matches!(kind, Kind::Copy | Kind::Terminate) => {
                server.write_all(&std::mem::take(&mut held)).await?;
            }
            None => {}
        }
        ready_expected += usize::from(waits && kind != Kind::Flush);
    }
    server.shutdown().await
}

//! The Juju agent, asked over its socket: what hook tools do, and nothing else.
//!
//! `_juju/agent.py` is the same in Python, and says where the protocol is from.

use std::io::{self, BufReader, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::time::Duration;
use std::{env, fmt};

use crate::gob::{self, Command, Decoder, GobError, Struct, Value};

/// The one method of the agent that hook tools call.
const METHOD: &[u8] = b"Jujuc.Main";

/// What the agent says to a command without a name, be it of Juju 2.9 or 4.0.
const REFUSAL: &[u8] = b"bad request: command not specified";

/// The error that an agent answers to a tool that has to read from stdin, and was given none.
const NO_STDIN: &[u8] = b"hook tool requires stdin, none supplied";

/// An agent answers the first question at once, whatever it is busy with.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a command came to.
pub(crate) struct Result {
    pub(crate) code: u8,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

/// Why there is no result.
pub(crate) enum Failure {
    /// The agent cannot be asked in this way. It was asked nothing that it would have run.
    NotUsable,
    /// The agent was asked, and refuses; its words.
    Refused(Vec<u8>),
    /// The agent was asked, and no answer came.
    Lost(Lost),
}

/// How an answer was lost.
pub(crate) enum Lost {
    /// The connection ended, or what came back cannot be read.
    Answer(GobError),
    /// Not the answer to what was asked.
    Sequence,
    /// There is no more reading the standard input.
    Stdin(io::Error),
}

impl fmt::Display for Lost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(error) => write!(
                formatter,
                "the Juju agent was asked and gave no answer ({error}); it may have been run, and is not run again"
            ),
            Self::Sequence => write!(formatter, "the Juju agent answers what was not asked"),
            Self::Stdin(error) => write!(formatter, "cannot read stdin: {error}"),
        }
    }
}

/// A connection that the agent has answered on.
pub(crate) struct Agent {
    connection: UnixStream,
    decoder: Decoder<BufReader<UnixStream>>,
    sequence: u64,
    command: Command,
}

impl Agent {
    /// Connects to the agent of this process's environment, and tries out whether it is one: a
    /// command without a name it refuses before it does anything.
    pub(crate) fn connect() -> Option<Self> {
        if env::var_os("JUJU_AGENT_SOCKET_NETWORK")? != "unix" {
            return None;
        }
        let address = env::var_os("JUJU_AGENT_SOCKET_ADDRESS")?;
        let context = env::var_os("JUJU_CONTEXT_ID")?;
        let token = env::var_os("JUJU_AGENT_TOKEN").unwrap_or_default();
        if address.is_empty() || context.is_empty() {
            return None;
        }
        // As in Go, an @ stands for the NUL byte of an abstract address.
        let connection = match address.as_bytes().strip_prefix(b"@") {
            Some(name) => UnixStream::connect_addr(&SocketAddr::from_abstract_name(name).ok()?),
            None => UnixStream::connect(&address),
        }
        .ok()?;
        let decoder = Decoder::new(BufReader::new(connection.try_clone().ok()?));
        let command = Command {
            context: context.as_bytes().to_vec(),
            directory: b"/".to_vec(),
            token: token.as_bytes().to_vec(),
            ..Command::default()
        };
        let mut agent = Self { connection, decoder, sequence: 0, command };
        agent.be_patient(Some(PATIENCE)).ok()?;
        agent.send().ok()?;
        let (header, _) = agent.receive().ok()?;
        agent.be_patient(None).ok()?;
        (error_of(&header) == REFUSAL).then_some(agent)
    }

    fn be_patient(&self, patience: Option<Duration>) -> io::Result<()> {
        self.connection.set_read_timeout(patience)?;
        self.connection.set_write_timeout(patience)
    }

    /// Runs a hook tool; reads stdin only if it asks for it.
    pub(crate) fn ask(
        &mut self,
        tool: &[u8],
        arguments: Vec<Vec<u8>>,
        directory: Vec<u8>,
        stdin: impl FnOnce() -> io::Result<Vec<u8>>,
    ) -> std::result::Result<Result, Failure> {
        self.command.tool = tool.to_vec();
        self.command.arguments = arguments;
        self.command.directory = directory;
        let (mut header, mut result) = self.call().map_err(|failure| match failure {
            // Nothing can have been read, so nothing was run.
            Lost::Answer(GobError::Read(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
                Failure::NotUsable
            }
            other => Failure::Lost(other),
        })?;
        if error_of(&header) == NO_STDIN {
            self.command.stdin = Some(stdin().map_err(|error| Failure::Lost(Lost::Stdin(error)))?);
            (header, result) = self.call().map_err(Failure::Lost)?;
        }
        let error = error_of(&header);
        if !error.is_empty() {
            return Err(Failure::Refused(error.to_vec()));
        }
        let code = match result.get("Code") {
            // As a process has it: the lowest byte.
            Some(Value::Signed(code)) => code.to_le_bytes()[0],
            _ => 0,
        };
        let mut text = |name: &str| match result.remove(name) {
            Some(Value::Text(text)) => text,
            _ => Vec::new(),
        };
        Ok(Result { code, stdout: text("Stdout"), stderr: text("Stderr") })
    }

    fn call(&mut self) -> std::result::Result<(Struct, Struct), Lost> {
        self.send().map_err(|error| Lost::Answer(error.into()))?;
        self.receive()
    }

    fn send(&mut self) -> io::Result<()> {
        self.sequence += 1;
        let message = gob::call(self.sequence, METHOD, &self.command, self.sequence == 1);
        self.connection.write_all(&message)
    }

    fn receive(&mut self) -> std::result::Result<(Struct, Struct), Lost> {
        let header = self.decoder.decode().map_err(Lost::Answer)?;
        if header.get("Seq") != Some(&Value::Unsigned(self.sequence)) {
            return Err(Lost::Sequence);
        }
        let result = self.decoder.decode().map_err(Lost::Answer)?;
        Ok((header, result))
    }
}

fn error_of(header: &Struct) -> &[u8] {
    match header.get("Error") {
        Some(Value::Text(error)) => error,
        _ => &[],
    }
}

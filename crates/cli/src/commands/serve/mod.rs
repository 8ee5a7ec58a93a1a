//! `kennel serve`.

mod page;
mod served;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytesize::ByteSize;
use clap::Args;
use kennel_core::{RunDir, Task};
use kennel_infer::{BATCH, Compute};
use kennel_serve::{Folders, Kind, Limits, Opener, Options, PORT, Served, Serving, Workbench};

use self::page::PageCommands;
use self::served::run_to_serve;
use crate::chosen_run::open_run;
use crate::device::DeviceArg;
use crate::failure::{CommandResult, Failure};
use crate::folders::{DATA_DIR, MODELS_DIR, PAGE_DIR, RESULTS_DIR, RUNS_DIR};
use crate::interrupt;
use crate::onnx_args::OnnxArgs;
use crate::session::Session;
use crate::variables;

const EXAMPLE: &str = "\
Examples:
  kennel serve                                 a page at http://127.0.0.1:8484 with the newest run
  kennel serve --run RUN --run OTHER --open    two runs, and the page in a browser
  kennel serve --onnx model.onnx --api-only    POST /v1/predict for programs; no page
  kennel serve --listen 0.0.0.0 --run RUN      other machines too; prints an address with a token
  curl -s --data-binary @new.jpg http://127.0.0.1:8484/v1/predict

The interface for programs is described at /openapi.json, and counted at /metrics.";

/// Bytes of a token that is drawn.
const TOKEN_BYTES: usize = 16;
/// Characters of the shortest token that is accepted.
const MIN_TOKEN: usize = 16;

/// Which models, where to listen, and what to accept.
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub struct ServeArgs {
    /// A run's directory; may be given several times [default: the newest finished run]
    #[arg(long, value_name = "RUN")]
    run: Vec<PathBuf>,
    /// An ONNX file; may be given several times
    #[arg(long, value_name = "FILE")]
    onnx: Vec<PathBuf>,
    /// Folder of runs
    #[arg(long, value_name = "DIR", env = "KENNEL_RUNS", hide_env_values = true, default_value = RUNS_DIR)]
    runs: PathBuf,
    /// Folder of the photos that the page shows, and prepares for training
    #[arg(long, value_name = "DIR", env = "KENNEL_DATA", hide_env_values = true, default_value = DATA_DIR)]
    data: PathBuf,
    /// Folder for corrections of labels that are made on the page, and for photos that are added
    /// there
    #[arg(long, value_name = "DIR", default_value = PAGE_DIR)]
    page_dir: PathBuf,
    /// Port; 0 takes a free one
    #[arg(long, default_value_t = PORT)]
    port: u16,
    /// Address to listen on. One that other machines reach needs a token: KENNEL_TOKEN, or one that
    /// is drawn and printed
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
    /// A name by which clients call this machine, such as dogs.example.org; may be given several
    /// times
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
    /// The token that every request must carry
    #[arg(long, env = "KENNEL_TOKEN", hide_env_values = true, hide = true)]
    token: Option<String>,
    /// Serve programs only, without a page
    #[arg(long, conflicts_with = "open")]
    api_only: bool,
    /// Open the page in a browser
    #[arg(long)]
    open: bool,
    /// Refuse larger requests
    #[arg(long, value_name = "SIZE", default_value_t = ByteSize::mib(32))]
    max_body: ByteSize,
    /// Requests in work at once; further ones are refused with status 429
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    queue: u16,
    /// How long photos that are ready wait for others that are being decoded, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(0..=1000))]
    batch_wait: u64,
    #[command(flatten)]
    device: DeviceArg,
    #[command(flatten)]
    file: OnnxArgs,
}

/// Serves until Ctrl-C.
pub fn run(args: ServeArgs, session: &Session) -> CommandResult {
    let options = args.options()?;
    let token = options.token.clone();
    let compute = args.device.open(session)?;
    let workbench = (!args.api_only).then(|| args.workbench(&compute));
    let serving = Serving::new(options, workbench)?;
    for path in &args.onnx {
        serving.add(args.file_to_serve(path, session)?)?;
    }
    for run in args.runs_to_serve(session)? {
        serving.add(run_to_serve(run, compute.clone()))?;
    }
    let task = Task::new(interrupt::listen(session), &|_| {});
    serving.run(task, |address| {
        let home = home(address, token.as_deref());
        say!(session, "serves     {home}");
        if args.open
            && let Err(error) = open::that_detached(&home)
        {
            say!(session, "note: no browser could be opened: {error}");
        }
    })?;
    say!(session, "stopped");
    Ok(())
}

impl ServeArgs {
    fn options(&self) -> Result<Options, Failure> {
        let address = SocketAddr::new(self.listen, self.port);
        let token = match &self.token {
            Some(token) => Some(checked(token)?),
            None if self.listen.is_loopback() => None,
            None => Some(drawn()?),
        };
        let body_bytes = usize::try_from(self.max_body.as_u64()).unwrap_or(usize::MAX);
        let standard = Limits::default();
        let limits = Limits {
            body_bytes,
            queue: self.queue.into(),
            bodies_bytes: standard.bodies_bytes.max(body_bytes),
            batch: Duration::from_millis(self.batch_wait),
            ..standard
        };
        Ok(Options { address, token, hosts: self.hosts.clone(), limits })
    }

    fn workbench(&self, compute: &Compute) -> Workbench {
        let named = |variable, default: &str| {
            variables::value(variable).map_or_else(|| default.into(), PathBuf::from)
        };
        let folders = Folders {
            data: self.data.clone(),
            runs: self.runs.clone(),
            results: named("KENNEL_RESULTS", RESULTS_DIR),
            models: named("KENNEL_MODELS", MODELS_DIR),
            own: self.page_dir.clone(),
        };
        Workbench::new(folders, Box::new(PageCommands { compute: compute.clone() }))
    }

    /// Opens the runs that were asked for; without any, and without a file, the newest finished one
    /// if there is one.
    fn runs_to_serve(&self, session: &Session) -> Result<Vec<RunDir>, Failure> {
        if !self.run.is_empty() || !self.onnx.is_empty() {
            return self.run.iter().map(|path| open_run("--run", path, &self.runs)).collect();
        }
        let runs = if self.runs.exists() { RunDir::list(&self.runs)? } else { Vec::new() };
        let newest = runs.into_iter().rfind(|run| run.is_finished() && run.best_weights().exists());
        match &newest {
            Some(run) => say!(session, "run        {}", run.path().display()),
            None if self.api_only => {
                return Err(Failure::Usage("which model? give --run RUN or --onnx FILE".into()));
            }
            None => say!(session, "note: no finished run lies in {}", self.runs.display()),
        }
        Ok(newest.into_iter().collect())
    }

    fn file_to_serve(&self, path: &Path, session: &Session) -> Result<Served, Failure> {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let (path, file) = (path.to_path_buf(), self.file.clone());
        let session = session.of_thread();
        let open: Opener = Box::new(move || match file.open(&path, BATCH, &session) {
            Ok(classifier) => Ok(Box::new(classifier)),
            Err(failure) => Err(failure.message().unwrap_or_default().into()),
        });
        Ok(Served { name, kind: Kind::Onnx, open, index: None })
    }
}

/// The address of the page. A token goes along, once: the server answers with a cookie.
fn home(address: SocketAddr, token: Option<&str>) -> String {
    let token = token.map(|token| format!("?token={token}")).unwrap_or_default();
    format!("http://{address}/{token}")
}

/// Checks that a token is long enough, and needs no escaping in an address.
fn checked(token: &str) -> Result<String, Failure> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if token.len() < MIN_TOKEN || !token.bytes().all(is_plain) {
        return Err(Failure::Usage(format!(
            "KENNEL_TOKEN: expected at least {MIN_TOKEN} letters, digits, or any of -._~"
        )));
    }
    Ok(token.into())
}

fn drawn() -> Result<String, Failure> {
    let mut bytes = [0; TOKEN_BYTES];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::Failed(format!("the system draws no token: {error}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

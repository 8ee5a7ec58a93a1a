//! Downloads of photos, pretrained weights and the browser's runtime that are not on this machine.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kennel_core::task::Event;
use kennel_core::{Task, Weights};
use kennel_data::Preset;
use kennel_fetch::hub::{HubConfig, fetch_model};
use kennel_fetch::npm::Registry;
use kennel_fetch::onnxruntime_web::{self, OnnxRuntimeWeb};
use kennel_fetch::stanford_dogs::{self, Breeds, Source};
use kennel_fetch::{Address, Client, ClientConfig, FetchError};
use kennel_models::{Architecture, ModelError, WeightsSource, locate_weights};

use crate::failure::{CommandResult, Failure};
use crate::hints::{self, worded};
use crate::progress::byte_bar;
use crate::session::Session;
use crate::{interrupt, variables};

/// Files of a timm model folder.
const MODEL_FILES: [&str; 2] = ["config.json", "model.safetensors"];

/// Returns the servers of weights and photos, and whether each answers within 5 seconds.
pub fn servers() -> Vec<(String, Result<(), String>)> {
    let limit = Duration::from_secs(5);
    let client = Client::new(ClientConfig {
        connect_timeout: limit,
        stall_timeout: limit,
        ..ClientConfig::default()
    });
    let hub = HubConfig::from_env().map(|hub| hub.endpoint);
    let photos =
        variables::value("KENNEL_STANFORD_DOGS_URL").map(|url| url.to_string_lossy().into_owned());
    let urls = hub.into_iter().chain([photos.unwrap_or_else(|| stanford_dogs::URL.into())]);
    urls.map(|url| (Address::from(&url).to_string(), client.reach(&url))).collect()
}

fn client(session: &Session) -> Client {
    Client::new(ClientConfig { offline: session.is_offline(), ..ClientConfig::default() })
}

/// Finds weights as [`locate_weights`] does. Fetches timm's weights that this machine lacks from
/// the Hugging Face hub into the cache that Python shares.
///
/// `check` runs before a download: it checks what the weights are for, so that an error there does
/// not wait for the download.
pub fn weights(
    architecture: &Architecture,
    asked: Option<&str>,
    session: &Session,
    check: impl FnOnce() -> CommandResult,
) -> Result<WeightsSource, Failure> {
    if asked.map(Weights::from) == Some(Weights::Random) {
        return Err(Failure::Usage(format!(
            "--weights {}: only training begins from nothing\nhint: leave --weights out for timm's \
             own, or give a folder",
            Weights::Random
        )));
    }
    match locate_weights(architecture, asked) {
        Err(ModelError::WeightsNotFound { name, meant, .. }) => {
            let hint = meant.as_deref().map(hints::line).unwrap_or_default();
            let repo = format!("timm/{name}");
            if let Some(said) = session.not_fetched(&repo) {
                return Err(Failure::Failed(said));
            }
            check()?;
            if !session.is_offline() {
                say!(session, "fetching   {repo}");
            }
            let fetched = watched(session, |task| {
                fetch_model(
                    &client(session),
                    &HubConfig::from_env()?,
                    &repo,
                    "main",
                    &MODEL_FILES,
                    task,
                )
            });
            fetched.map_err(|error| {
                const WAYS: &str = "a folder with its model.safetensors and config.json: --weights DIR (`kennel run`: MODEL=DIR); \
                                    a mirror of the hub: HF_ENDPOINT=URL";
                let is_known = meant.is_none();
                match error {
                    FetchError::Refused { status: 401 | 404, .. } if !is_known => Failure::Failed(format!(
                        "no folder or file is called `{}`, and {repo} is not on the hub{hint}",
                        asked.unwrap_or(&name)
                    )),
                    FetchError::Refused { url, status: 404, .. } => Failure::Failed(format!(
                        "weights {repo} are not on this machine, nor at {url} (404)\nhint: {WAYS}"
                    )),
                    error => {
                        let missing = format!("weights {repo} are not on this machine");
                        failure(error, &missing, &or_demo(WAYS), &hint, session)
                    }
                }
            })
            .inspect_err(|failure| {
                if let Some(said) = failure.message() {
                    session.keep_not_fetched(&repo, said);
                }
            })?;
            Ok(locate_weights(architecture, asked)?)
        }
        found => Ok(found?),
    }
}

/// Returns the folder `into` with the photos of a preset. Fetches missing photos from `url`, or
/// from their authors.
pub fn stanford_dogs(
    preset: Preset,
    url: Option<&str>,
    into: &Path,
    session: &Session,
) -> Result<PathBuf, Failure> {
    let breeds = match preset {
        Preset::StanfordDogs5 => Breeds::Five,
        Preset::StanfordDogs => Breeds::All,
    };
    let source = match url {
        Some(url) => Source::mirror(url, breeds),
        None => Source::stanford(breeds),
    };
    if !into.exists() && !session.is_offline() {
        say!(session, "fetching   {}", Address::from(&source.url));
    }
    let fetch =
        |task: Task<'_>| stanford_dogs::fetch(&client(session), &source, breeds, into, task);
    watched(session, fetch).map_err(|error| {
        failure(
            error,
            &format!("the photos of {preset} are not on this machine"),
            &or_demo(&format!(
                "a tar or folder of yours: kennel prepare images.tar --preset {preset}; a mirror: \
                 --url URL"
            )),
            "",
            session,
        )
    })?;
    Ok(into.into())
}

/// Adds the demo to the alternatives.
fn or_demo(ways: &str) -> String {
    format!("{ways}; or everything without a network: kennel demo")
}

/// Returns ONNX Runtime for browsers from the cache, or fetches it from the npm registry.
pub fn onnxruntime_web(session: &Session) -> Result<OnnxRuntimeWeb, Failure> {
    let registry = Registry::from_env().map_err(|error| Failure::Failed(worded(&error)))?;
    let package = &onnxruntime_web::PACKAGE;
    let (url, path) = (registry.url(package), registry.path(package));
    if !path.exists() && !session.is_offline() {
        say!(session, "fetching   {}", Address::from(&url));
    }
    let fetch = |task: Task<'_>| onnxruntime_web::fetch(&client(session), &registry, task);
    watched(session, fetch).map_err(|error| {
        failure(
            error,
            &format!("{} {} is not on this machine", package.name, package.version),
            &format!(
                "fetch {} yourself and save it as {}; a mirror of npm: KENNEL_NPM_REGISTRY=URL",
                Address::from(&url),
                kennel_core::shown(&path)
            ),
            "",
            session,
        )
    })
}

/// Turns a download error into a failure. If the network is off or unreachable, the message says
/// what is missing and why, then `slip` (a suggestion on a line that begins with `hint:`, or
/// empty), then the alternatives.
fn failure(error: FetchError, missing: &str, ways: &str, slip: &str, session: &Session) -> Failure {
    let text = worded(&error);
    match error {
        FetchError::Stopped { .. } => {
            say!(session, "{text}");
            Failure::Interrupted("")
        }
        FetchError::Offline { .. } | FetchError::Unreachable { .. } => {
            let reason = match &error {
                FetchError::Unreachable { url, reason, .. } => {
                    format!("{url} cannot be reached ({reason})")
                }
                _ => "the network is off (--offline, KENNEL_OFFLINE or HF_HUB_OFFLINE)".into(),
            };
            Failure::Failed(format!("{missing}, and {reason}{slip}\nhint: {ways}"))
        }
        _ => Failure::Failed(text),
    }
}

/// Fetches with a bar on a terminal and plain lines elsewhere.
fn watched<T>(
    session: &Session,
    fetch: impl FnOnce(Task<'_>) -> Result<T, FetchError>,
) -> Result<T, FetchError> {
    let bar = byte_bar("fetching", session);
    let is_terminal = std::io::stderr().is_terminal();
    let tenths = AtomicU64::new(0);
    let on_event = |event: Event<'_>| match event {
        Event::Bytes { so_far, total } => {
            let total = total.unwrap_or_default();
            bar.set_length(total);
            bar.set_position(so_far);
            let tenth = so_far.saturating_mul(10).checked_div(total).unwrap_or_default();
            // Small files get no lines.
            if !is_terminal && total > 1 << 20 && tenths.swap(tenth, Ordering::Relaxed) < tenth {
                say!(
                    session,
                    "fetching   {} % of {}",
                    10 * tenth,
                    bytesize::ByteSize(total).display().si()
                );
            }
        }
        Event::File { name } => {
            tenths.store(0, Ordering::Relaxed);
            bar.set_prefix(name.to_string());
        }
        Event::Retry { reason, wait } => {
            bar.suspend(|| say!(session, "again in {:.0} s: {reason}", wait.as_secs_f64()));
        }
        Event::Waiting => {
            bar.suspend(|| say!(session, "waiting    another process fetches the same"))
        }
        _ => {}
    };
    let fetched = fetch(Task::new(interrupt::listen(session), &on_event));
    bar.finish_and_clear();
    fetched
}

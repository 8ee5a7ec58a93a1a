//! What the page asks of the server.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Extension, Json, Router};
use kennel_core::Split;
use serde::{Deserialize, Serialize};

use super::Workbench;
use super::added::AddedPhoto;
use super::fixes::Fix;
use super::jobs::{Asked, Job, OwnFiles};
use super::runs::{self, RunSummary};
use crate::admission::Admitted;
use crate::api::worked;
use crate::blocking::blocking;
use crate::problem::Problem;
use crate::state::Server;
use crate::upload::{self, Upload, Uploads};

/// What a report may do. It needs no server, so it is none of the page's business (`sandbox`).
const REPORT_POLICY: &str = "sandbox allow-scripts allow-popups; default-src 'none'; \
    style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

/// Routes of the page's requests.
pub fn routes() -> Router<Server> {
    Router::new()
        .route("/api/photos", get(photos))
        .route("/api/photos/{sha256}/picture", get(picture))
        .route("/api/map", get(map))
        .route("/api/fixes", post(fix))
        .route("/api/fixes/last", delete(undo))
        .route("/api/added/last", delete(undo_added))
        .route("/api/networks", get(networks))
        .route("/api/folders", get(subfolders))
        .route("/api/jobs", get(jobs).post(start))
        .route("/api/jobs/{id}", delete(stop))
        .route("/api/runs", get(list_runs))
        .route("/api/runs/{name}/serve", post(serve_run))
        .route("/api/runs/{name}/onnx", get(exported))
        .route("/report", get(report))
}

/// Routes of requests that bring photos.
pub fn uploads() -> Router<Server> {
    Router::new().route("/api/added", post(add))
}

/// The workbench. Its routes exist only if there is one.
fn workbench(server: &Server) -> &Workbench {
    server.workbench.as_ref().expect("the page has a workbench")
}

/// The data set, with what was corrected since it was prepared.
#[derive(Serialize)]
struct Photos {
    classes: Vec<String>,
    photos: Vec<Photo>,
    /// Files that were left out, with the reason.
    rejected: Vec<kennel_core::RejectedPhoto>,
    /// Corrections, the newest last.
    fixes: Vec<Fix>,
    /// Photos that were added on the page, the newest last.
    added: Vec<AddedPhoto>,
    /// Labels that are probably wrong, by the last audit.
    suggestions: Vec<Fix>,
}

#[derive(Serialize)]
struct Photo {
    sha256: String,
    source: String,
    label: String,
    split: Split,
    /// Number of the group of duplicates, or of photos that look alike.
    #[serde(skip_serializing_if = "Option::is_none")]
    alike: Option<usize>,
    /// Whether it was added on the page, and is taken back.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_taken_back: bool,
}

/// The data set; null if no photos are prepared yet.
async fn photos(State(server): State<Server>) -> Result<Json<Option<Photos>>, Problem> {
    blocking(move || {
        let workbench = workbench(&server);
        let Some(manifest) = workbench.data.prepared()? else { return Ok(Json(None)) };
        let mut alike = HashMap::new();
        for (number, group) in manifest.duplicates.iter().enumerate() {
            alike.extend(group.paths.iter().map(|path| (path.as_str(), number)));
        }
        let added = workbench.added.read()?;
        let there: HashSet<&str> = added.iter().map(|photo| photo.sha256.as_str()).collect();
        let photo = |photo: &kennel_core::PhotoRecord| Photo {
            sha256: photo.sha256.clone(),
            source: photo.source.clone(),
            label: photo.label.clone(),
            split: photo.split,
            alike: alike.get(photo.path.as_str()).copied(),
            is_taken_back: workbench.added.is_added(&photo.source)
                && !there.contains(photo.sha256.as_str()),
        };
        Ok(Json(Some(Photos {
            classes: manifest.classes.clone(),
            photos: manifest.photos.iter().map(photo).collect(),
            added,
            rejected: manifest.rejected.clone(),
            fixes: workbench.fixes.read()?,
            suggestions: workbench.fixes.read_suggestions(),
        })))
    })
    .await
}

#[derive(Deserialize)]
struct Size {
    large: Option<bool>,
}

async fn picture(
    State(server): State<Server>,
    Path(sha256): Path<String>,
    Query(size): Query<Size>,
) -> Result<Response, Problem> {
    let turn = server.decoding.acquire().await.expect("the semaphore is never closed");
    let of = server.clone();
    let is_large = size.large.unwrap_or(false);
    let bytes = blocking(move || workbench(&of).data.picture(&sha256, is_large)).await?;
    drop(turn);
    // The digest names the contents: they never change.
    let kept = "private, max-age=31536000, immutable";
    Ok(([(header::CONTENT_TYPE, "image/jpeg"), (header::CACHE_CONTROL, kept)], bytes)
        .into_response())
}

#[derive(Deserialize)]
struct OfModel {
    model: Option<String>,
}

/// The map of the photos of a run. The first request draws it.
async fn map(State(server): State<Server>, Query(of): Query<OfModel>) -> Result<Response, Problem> {
    let (_, model) = server.models.asked(of.model.as_deref())?;
    let limit = server.limits.answer;
    let drawn = worked("drawing the map", limit, blocking(move || model.index().map())).await?;
    Ok(Json(&*drawn).into_response())
}

/// What a person says about a photo.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Correction {
    /// The photo, as it is called in the person's folder.
    source: String,
    /// Its right label; none if the photo is set aside.
    label: Option<String>,
}

async fn fix(
    State(server): State<Server>,
    asked: Result<Json<Correction>, JsonRejection>,
) -> Result<Json<Vec<Fix>>, Problem> {
    let Json(asked) = body(asked)?;
    blocking(move || {
        let workbench = workbench(&server);
        let manifest = workbench.data.manifest()?;
        let photo = manifest.photos.iter().find(|photo| photo.source == asked.source);
        let photo = photo.ok_or_else(|| Problem::not_found("there is no such photo"))?;
        if let Some(label) = &asked.label
            && !manifest.classes.contains(label)
        {
            return Err(Problem::not_found(format!("there is no class {label:?}")));
        }
        // The label in the person's folder, before corrections that are prepared already.
        let before = workbench.fixes.read()?.into_iter().find(|fix| fix.path == asked.source);
        let fix = Fix {
            path: asked.source,
            label: before.map_or_else(|| photo.label.clone(), |fix| fix.label),
            aside: if asked.label.is_none() { "yes".into() } else { String::new() },
            suggested: asked.label.unwrap_or_default(),
        };
        workbench.fixes.add(fix).map(Json)
    })
    .await
}

async fn undo(State(server): State<Server>) -> Result<Json<Vec<Fix>>, Problem> {
    blocking(move || workbench(&server).fixes.undo().map(Json)).await
}

/// Where photos are added.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    /// A class of the data set, or a new one.
    class: String,
    /// Number of the choice of files, of the client's choosing. Photos of one choice are taken back
    /// together.
    choice: u64,
}

/// What became of photos that were sent.
#[derive(Serialize)]
struct Sent {
    /// How many were added.
    added: usize,
    /// The others.
    refused: Vec<Refused>,
}

/// A photo that was not added.
#[derive(Serialize)]
struct Refused {
    name: String,
    reason: String,
}

/// Adds photos to a class. They are kept apart from the person's own.
async fn add(
    State(server): State<Server>,
    place: Result<Query<Place>, QueryRejection>,
    Extension(admitted): Extension<Admitted>,
    request: Request,
) -> Result<Json<Sent>, Problem> {
    let Query(Place { class, choice }) =
        place.map_err(|refused| Problem::bad(refused.body_text()))?;
    // A client that is refused before its body is read may not see why.
    let photos = match upload::read(request, &server.limits).await? {
        Uploads::One(photo) => vec![photo],
        Uploads::Form(photos) => photos,
    };
    // What was begun is finished, and counts until then, even if the client hangs up.
    let work = tokio::spawn(async move {
        let turn = server.decoding.acquire().await.expect("the semaphore is never closed");
        let of = server.clone();
        let sent = blocking(move || add_all(workbench(&of), &class, choice, photos)).await;
        drop((turn, admitted));
        sent
    });
    let gave_up = |_| Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "adding gave up"));
    work.await.unwrap_or_else(gave_up).map(Json)
}

fn add_all(
    workbench: &Workbench,
    class: &str,
    choice: u64,
    photos: Vec<Upload>,
) -> Result<Sent, Problem> {
    let Workbench { added, data, .. } = workbench;
    let manifest = data.manifest()?;
    let class = added.class(class, &manifest.classes)?;
    // An added photo may have been taken back since.
    let own = manifest.photos.iter().filter(|photo| !added.is_added(&photo.source));
    let own: HashMap<&str, &str> =
        own.map(|photo| (photo.sha256.as_str(), photo.label.as_str())).collect();
    let mut sent = Sent { added: 0, refused: Vec::new() };
    for photo in photos {
        let sha256 = kennel_core::files::sha256_bytes(&photo.bytes);
        let kept = match own.get(sha256.as_str()) {
            Some(label) => Err(format!("the data set has it already, as {label:?}")),
            None => added.add(&class, choice, &photo)?,
        };
        match kept {
            Ok(()) => sent.added += 1,
            Err(reason) => sent.refused.push(Refused { name: photo.name, reason }),
        }
    }
    Ok(sent)
}

/// Takes back the photos that were added last, with their corrections.
async fn undo_added(State(server): State<Server>) -> Result<StatusCode, Problem> {
    blocking(move || {
        let workbench = workbench(&server);
        let gone = workbench.added.undo()?;
        workbench.fixes.forget(&gone)?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

#[derive(Serialize)]
struct Network {
    name: String,
    good_for: String,
}

async fn networks(State(server): State<Server>) -> Json<Vec<Network>> {
    let networks = workbench(&server).commands.networks();
    Json(networks.into_iter().map(|(name, good_for)| Network { name, good_for }).collect())
}

#[derive(Deserialize)]
struct Below {
    path: Option<PathBuf>,
}

#[derive(Serialize)]
struct Subfolders {
    path: String,
    above: Option<String>,
    folders: Vec<String>,
}

/// Lists the folders in a folder of the server's machine, from which photos may be prepared.
/// Whoever may use the page may train on any folder, so this shows them no more than that.
async fn subfolders(
    State(_): State<Server>,
    Query(below): Query<Below>,
) -> Result<Json<Subfolders>, Problem> {
    blocking(move || {
        let path = below.path.or_else(std::env::home_dir).unwrap_or_else(|| "/".into());
        let refused = |error: std::io::Error| {
            Problem::not_found(format!("{}: {error}", kennel_core::shown(&path)))
        };
        let path = std::fs::canonicalize(&path).map_err(refused)?;
        let mut folders: Vec<String> = std::fs::read_dir(&path)
            .map_err(refused)?
            .filter_map(Result::ok)
            .filter(|entry| entry.path().is_dir())
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| !name.starts_with('.'))
            .collect();
        folders.sort_by_key(|name| name.to_lowercase());
        let shown = |path: &std::path::Path| path.to_string_lossy().into_owned();
        Ok(Json(Subfolders { path: shown(&path), above: path.parent().map(shown), folders }))
    })
    .await
}

async fn jobs(State(server): State<Server>) -> Json<Vec<Job>> {
    Json(workbench(&server).jobs.all())
}

async fn start(
    State(server): State<Server>,
    asked: Result<Json<Asked>, JsonRejection>,
) -> Result<Json<Job>, Problem> {
    let Json(asked) = body(asked)?;
    blocking(move || {
        let Workbench { folders, commands, jobs, fixes, added, .. } = workbench(&server);
        if let Asked::Audit { run } | Asked::Export { run } = &asked {
            runs::find(&folders.runs, run)?;
        }
        kennel_core::files::create_dir_all(&folders.own)
            .map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
        let own = OwnFiles {
            fixes: fixes.table()?,
            added: added.photos()?,
            suggested: fixes.suggestions(),
        };
        let arguments = commands.arguments(&asked, folders, &own);
        jobs.start(&asked, (&commands.program(), commands.name()), &arguments).map(Json)
    })
    .await
}

async fn stop(State(server): State<Server>, Path(id): Path<u64>) -> Result<StatusCode, Problem> {
    workbench(&server).jobs.stop(id).map(|()| StatusCode::NO_CONTENT)
}

async fn list_runs(State(server): State<Server>) -> Result<Json<Vec<RunSummary>>, Problem> {
    blocking(move || Ok(Json(runs::list(&workbench(&server).folders)))).await
}

/// Serves a run, so that it can be tried.
async fn serve_run(
    State(server): State<Server>,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    blocking(move || {
        if server.models.find(&name).is_some() {
            return Ok(StatusCode::NO_CONTENT);
        }
        let workbench = workbench(&server);
        let run = runs::find(&workbench.folders.runs, &name)?;
        let failed = |reason: String| Problem::new(StatusCode::SERVICE_UNAVAILABLE, reason);
        let served = workbench.commands.serve_run(run.path()).map_err(failed)?;
        let added = server.models.add(served, &server.limits, &server.metrics);
        added.map(|()| StatusCode::NO_CONTENT).map_err(|error| failed(error.to_string()))
    })
    .await
}

/// The file that a run was exported to.
async fn exported(
    State(server): State<Server>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let shown = name.clone();
    let bytes = blocking(move || {
        let folders = &workbench(&server).folders;
        let run = runs::find(&folders.runs, &name)?;
        std::fs::read(folders.onnx(&run.name()))
            .map_err(|error| Problem::not_found(format!("the run is not exported: {error}")))
    })
    .await?;
    let attached = format!("attachment; filename=\"{shown}.onnx\"");
    let attached = HeaderValue::from_str(&attached)
        .map_err(|_| Problem::not_found("the run's name is no file name"))?;
    let kind = HeaderValue::from_static("application/octet-stream");
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, attached)], bytes)
        .into_response())
}

async fn report(State(server): State<Server>) -> Result<Response, Problem> {
    let page = blocking(move || {
        let path = workbench(&server).folders.results.join("report.html");
        std::fs::read(path).map_err(|error| Problem::not_found(format!("no report yet: {error}")))
    })
    .await?;
    let kind = "text/html; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_SECURITY_POLICY, REPORT_POLICY)], page)
        .into_response())
}

/// Returns the body of a request.
fn body<T>(asked: Result<Json<T>, JsonRejection>) -> Result<Json<T>, Problem> {
    asked.map_err(|refused| Problem::new(refused.status(), refused.body_text()))
}

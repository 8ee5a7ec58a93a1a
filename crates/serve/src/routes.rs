//! Which request goes where, and what every request passes on its way.

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http_body_util::{BodyExt, Limited};

use crate::problem::Problem;
use crate::state::Server;
use crate::{api, page, similar, workbench};

/// How long the body of a refused request is read. A connection that is closed before its body was
/// read is reset, and the client may not see the answer.
const DRAIN: Duration = Duration::from_secs(5);

/// What a page may do: load its own files, and show pictures that it was given.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// Returns the service.
pub fn routes(server: Server) -> Router {
    let photos = Router::new()
        .route("/v1/predict", post(api::predict))
        .route("/v1/explain", post(api::explain))
        .route("/v1/similar", post(similar::similar));
    let photos = match server.workbench {
        Some(_) => photos.merge(workbench::uploads()),
        None => photos,
    };
    let photos = photos.route_layer(from_fn_with_state(server.clone(), admit));
    let programs = Router::new()
        .merge(photos)
        .route("/v1/models", get(api::models))
        .route("/healthz", get(api::health))
        .route("/metrics", get(api::metrics))
        .route("/openapi.json", get(api::description));
    let all = match server.workbench {
        Some(_) => programs.merge(page::routes()).merge(workbench::routes()),
        None => programs,
    };
    all.fallback(|| async { Problem::not_found("there is no such page") })
        .method_not_allowed_fallback(|| async {
            let status = StatusCode::METHOD_NOT_ALLOWED;
            Problem::new(status, "the page exists, and is asked for in another way")
        })
        .layer(DefaultBodyLimit::max(server.limits.body_bytes))
        .layer(from_fn_with_state(server.clone(), guard))
        .layer(from_fn_with_state(server.clone(), observe))
        .with_state(server)
}

/// Takes a request on, or refuses it.
async fn admit(State(server): State<Server>, mut request: Request, next: Next) -> Response {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    match server.admission.admit(length) {
        Ok(admitted) => {
            request.extensions_mut().insert(admitted);
            next.run(request).await
        }
        Err(problem) => {
            if length.is_some_and(|length| length <= server.limits.body_bytes as u64) {
                drain(request.into_body(), server.limits.body_bytes).await;
            }
            problem.into_response()
        }
    }
}

/// Reads a body and forgets it.
async fn drain(body: Body, most: usize) {
    let mut body = Limited::new(body, most);
    let read = async { while let Some(Ok(_)) = body.frame().await {} };
    // What is left is the client's loss.
    let _ = tokio::time::timeout(DRAIN, read).await;
}

/// Refuses strangers. The page, asked for with `?token=`, gets a cookie.
async fn guard(State(server): State<Server>, request: Request, next: Next) -> Response {
    let guard = &server.guard;
    let (method, uri) = (request.method(), request.uri());
    if let Err(problem) = guard.check_origin(method, uri, request.headers()) {
        return problem.into_response();
    }
    if uri.path() == "/healthz" {
        return next.run(request).await;
    }
    if (method, uri.path()) == (&Method::GET, "/")
        && let Some(cookie) = uri.query().and_then(|query| guard.cookie_for(query))
        && let Ok(cookie) = HeaderValue::from_str(&cookie)
    {
        let home = HeaderValue::from_static("/");
        let headers = [(header::SET_COOKIE, cookie), (header::LOCATION, home)];
        return (StatusCode::SEE_OTHER, headers).into_response();
    }
    match guard.check_token(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// Counts a request, and tells browsers what its answer may do.
async fn observe(State(server): State<Server>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or_else(|| "other".to_string(), |route| route.as_str().into());
    let mut response = next.run(request).await;
    server.metrics.request(&route, response.status().as_u16(), begun.elapsed());
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

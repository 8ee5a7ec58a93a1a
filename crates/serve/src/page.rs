//! The page: plain files, compiled in.

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

use crate::state::Server;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Where each file is asked for, its media type, and the file.
const FILES: [(&str, &str, &str); 15] = [
    ("/", HTML, include_str!("page/index.html")),
    ("/page/style.css", CSS, include_str!("page/style.css")),
    ("/page/icon.svg", SVG, include_str!("page/icon.svg")),
    ("/page/app.js", SCRIPT, include_str!("page/app.js")),
    ("/page/words.js", SCRIPT, include_str!("page/words.js")),
    ("/page/dom.js", SCRIPT, include_str!("page/dom.js")),
    ("/page/ask.js", SCRIPT, include_str!("page/ask.js")),
    ("/page/try.js", SCRIPT, include_str!("page/try.js")),
    ("/page/photos.js", SCRIPT, include_str!("page/photos.js")),
    ("/page/add.js", SCRIPT, include_str!("page/add.js")),
    ("/page/map.js", SCRIPT, include_str!("page/map.js")),
    ("/page/svg.js", SCRIPT, include_str!("page/svg.js")),
    ("/page/train.js", SCRIPT, include_str!("page/train.js")),
    ("/page/curves.js", SCRIPT, include_str!("page/curves.js")),
    ("/page/camera.js", SCRIPT, include_str!("page/camera.js")),
];

/// Routes of the page's files.
pub fn routes() -> Router<Server> {
    FILES.into_iter().fold(Router::new(), |routes, (path, kind, file)| {
        let answer = async move || ([(header::CONTENT_TYPE, kind)], file).into_response();
        routes.route(path, get(answer))
    })
}

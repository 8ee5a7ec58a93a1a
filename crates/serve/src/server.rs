//! Listens, serves connections, and ends in order.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use kennel_core::Task;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tower_service::Service;

use crate::models::Served;
use crate::routes::routes;
use crate::state::Shared;
use crate::workbench::Workbench;
use crate::{Limits, Options, Result, ServeError};

/// How often a stop is looked for.
const LOOK: Duration = Duration::from_millis(100);
/// Pause after a connection could not be accepted: the process may have too many files open.
const AFTER_ERROR: Duration = Duration::from_millis(100);
/// Bytes of a request's headers.
const HEADER_BYTES: usize = 64 << 10;

/// A server with its models, not yet listening.
pub struct Serving {
    options: Options,
    shared: Arc<Shared>,
}

impl Serving {
    /// Prepares a server: with a page around a workbench, or for programs alone.
    ///
    /// # Errors
    ///
    /// [`ServeError::NoToken`] for an address that other machines reach, without a token.
    pub fn new(options: Options, workbench: Option<Workbench>) -> Result<Self> {
        if options.token.is_none() && !options.address.ip().is_loopback() {
            return Err(ServeError::NoToken { address: options.address });
        }
        let shared = Arc::new(Shared::new(&options, workbench));
        Ok(Self { options, shared })
    }

    /// Opens a model, and serves it. The first answers unless another is asked for.
    ///
    /// # Errors
    ///
    /// A model that cannot be opened, or whose name is taken.
    pub fn add(&self, served: Served) -> Result<()> {
        self.shared.models.add(served, &self.options.limits, &self.shared.metrics)
    }

    /// Serves until the task is stopped, then finishes the requests in work. Tells the address once
    /// it listens.
    ///
    /// # Errors
    ///
    /// An address that cannot be listened on; a system without threads to give.
    pub fn run(self, task: Task<'_>, listening: impl FnOnce(SocketAddr)) -> Result<()> {
        let runtime = Runtime::new().map_err(|source| ServeError::Runtime { source })?;
        let done = runtime.block_on(self.serve(task, listening));
        // A photo that is still being decoded, or a model at work, is not waited for.
        runtime.shutdown_background();
        done
    }

    async fn serve(self, task: Task<'_>, listening: impl FnOnce(SocketAddr)) -> Result<()> {
        let Self { options: Options { address, limits, .. }, shared } = self;
        let listen = |source| ServeError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        listening(listener.local_addr().map_err(listen)?);
        let app = routes(shared.clone());
        let graceful = GracefulShutdown::new();
        tokio::select! {
            () = accept_all(&listener, &app, &limits, &graceful) => {}
            () = stopped(task) => {}
        }
        drop(listener);
        if let Some(workbench) = &shared.workbench {
            workbench.stop();
        }
        let finished = tokio::time::timeout(limits.shutdown, graceful.shutdown());
        // Who is still at it has had its time.
        let _ = finished.await;
        Ok(())
    }
}

/// Waits for a stop.
async fn stopped(task: Task<'_>) {
    while task.check().is_ok() {
        tokio::time::sleep(LOOK).await;
    }
}

/// Accepts connections and serves each in a task, until dropped.
async fn accept_all(
    listener: &TcpListener,
    app: &Router,
    limits: &Limits,
    graceful: &GracefulShutdown,
) {
    let open = Arc::new(Semaphore::new(limits.connections));
    loop {
        let place = open.clone().acquire_owned().await.expect("the semaphore is never closed");
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(AFTER_ERROR).await;
            continue;
        };
        // Without it a small answer may wait for the client's acknowledgement. A connection that is
        // lost already fails when it is read.
        let _ = stream.set_nodelay(true);
        let app = app.clone();
        let answer = service_fn(move |request: hyper::Request<Incoming>| {
            let mut app = app.clone();
            async move {
                Ok::<_, Infallible>(match app.call(request.map(axum::body::Body::new)).await {
                    Ok(response) => response,
                    Err(never) => match never {},
                })
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.headers)
            .max_header_size(HEADER_BYTES)
            .serve_connection(TokioIo::new(stream), answer);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // The client broke off, or sent what is no HTTP: hyper has told it what it could.
            let _ = connection.await;
            drop(place);
        });
    }
}

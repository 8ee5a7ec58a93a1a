//! One file per command: its flags and the functions it calls.

pub mod audit;
pub mod bench;
pub mod completions;
pub mod demo;
pub mod doctor;
pub mod ensemble;
pub mod evaluate;
mod evaluate_head;
pub mod explain;
mod explain_split;
pub mod export;
pub mod man;
pub mod models;
pub mod predict;
pub mod prepare;
pub mod report;
pub mod run;
pub mod serve;
pub mod similar;
pub mod train;

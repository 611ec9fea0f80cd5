//! Times a chain of handlers on the engine, driven from Rust, and prints the seconds of each round.
//!
//! Reads what the rules wait for from standard input: a line per rule with its flags, separated by
//! blanks. A rule with one flag is a link of the chain and sets the flag of the next link.
//! Arguments: the number of flags that are set, the number of rounds.

use std::io::{read_to_string, stdin};
use std::time::Instant;

use reactive_core::{Engine, Error, Kind, Step};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut number = || -> Result<usize, Box<dyn std::error::Error>> {
        Ok(arguments.next().ok_or("arguments: FLAGS ROUNDS")?.parse()?)
    };
    let (flags, rounds) = (number()?, number()?);
    let rules = read_to_string(stdin())?;

    let mut engine = Engine::new();
    let set: Vec<String> = (0..flags).map(|number| format!("bench.flag.{number}")).collect();
    engine.load(set.iter().map(String::as_str));
    // For each handler the flag that it sets: none but for the links of the chain.
    let mut sets: Vec<Option<String>> = Vec::new();
    let mut length = 0;
    for rule in rules.lines() {
        let awaited: Vec<&str> = rule.split_whitespace().collect();
        let handler = engine.add_handler();
        engine.add_condition(handler, Kind::All, awaited.iter().copied())?;
        sets.push((awaited.len() == 1).then(|| {
            length += 1;
            format!("chain.{length}")
        }));
    }

    let mut times = Vec::new();
    for _ in 0..=rounds {
        for link in 0..=length {
            engine.change(&format!("chain.{link}"), false)?;
        }
        let begin = Instant::now();
        let fired = run(&mut engine, &sets)?;
        times.push(begin.elapsed().as_secs_f64());
        assert_eq!(fired, length);
    }
    println!("{:?}", &times[1..]);
    Ok(())
}

/// From the first flag to quiescence; the number of handlers that were invoked.
fn run(engine: &mut Engine, sets: &[Option<String>]) -> Result<usize, Error> {
    let mut fired = 0;
    engine.change("chain.0", true)?;
    engine.start(false)?;
    loop {
        match engine.step()? {
            Step::Invoke(handler) => {
                fired += 1;
                if let Some(flag) = &sets[handler.0 as usize] {
                    engine.change(flag, true)?;
                }
            }
            Step::Done | Step::Limit(_) => return Ok(fired),
            Step::Begin(_) | Step::Test(_) | Step::Queued(_) => {}
        }
    }
}

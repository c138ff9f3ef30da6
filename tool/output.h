// The ends of a run: its answer and its fault.
#pragma once

struct run;

// The version of the JSON answers: keys are added under the same version, never renamed or removed.
#define OUTPUT_SCHEMA 1

// Prints the fault for a person on standard error: what, why, what to do.
void output_fault(const struct run *run);

// With --json: prints one object on standard output, with the fault in "error" if there is one.
void output_answer(struct run *run);

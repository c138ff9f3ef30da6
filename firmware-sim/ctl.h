/* "ingam-sim ctl": sends a command to a running simulator and shows its answer. */
#ifndef FW_CTL_H
#define FW_CTL_H

/* argv begins at "ctl". The exit code: 0 done, 1 refused, 2 usage, 3 nobody there. */
int ctl_main(int argc, char **argv);

#endif

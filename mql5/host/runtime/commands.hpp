// What a test may tell the terminal.
#pragma once

namespace mql {

void register_commands();
int initialise();
void deinitialise(int reason);
void advance(long ms);

}  // namespace mql

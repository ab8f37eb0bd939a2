// The tasks, one file each.
#pragma once

#include "eval/task.h"

namespace tome::eval {

Task lines_task();
Task topics_task();
Task needle_task();
Task ruler_task();
Task novel_task();
Task narrativeqa_task();
Task longbench_task();
Task longbench_v2_task();
Task infinitebench_task();
Task nolima_task();

}  // namespace tome::eval

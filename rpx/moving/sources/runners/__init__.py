"""Files of process-compose and mprocs, and scripts of package.json that start several others."""

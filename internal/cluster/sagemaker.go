package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
)

// sagemakerFile lists the containers of a SageMaker training job
// (https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html;
// "sorted lexicographically" also in https://github.com/aws/sagemaker-training-toolkit).
// SM_HOSTS and SM_CURRENT_HOST are its toolkit's, which the image may lack.
const sagemakerFile = "/opt/ml/input/config/resourceconfig.json"

// sagemaker is a container of a SageMaker training job. The list is sorted the
// same way on each of them; its first is the head.
func sagemaker(e *env) (Facts, error) {
	data, err := e.readFile(sagemakerFile)
	if errors.Is(err, fs.ErrNotExist) {
		return Facts{}, errAbsent
	}
	var config struct {
		Host      string   `json:"current_host"`
		Hosts     []string `json:"hosts"`
		Interface string   `json:"network_interface_name"`
	}
	if err == nil {
		err = json.Unmarshal(data, &config)
	}
	if err != nil {
		return Facts{}, fmt.Errorf("read %s: %w; next: see that it is SageMaker's own, or SYMINIT_CLUSTER=none", sagemakerFile, err)
	}
	slices.Sort(config.Hosts)
	rank := slices.Index(config.Hosts, config.Host)
	if rank < 0 {
		return Facts{}, fmt.Errorf("%s has no %q among its hosts (%s); next: see that it is SageMaker's own, or SYMINIT_CLUSTER=none", sagemakerFile, config.Host, shorten(config.Hosts))
	}
	return Facts{
		Nodes: len(config.Hosts), Rank: rank, Head: config.Hosts[0], Interface: config.Interface, Names: config.Hosts,
	}, nil
}

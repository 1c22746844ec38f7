package gcs

import (
	"encoding/hex"
	"fmt"
	"net/netip"
)

// Field numbers. In every reply 1 is the GcsStatus.
const (
	replyStatus = 1

	statusCode    = 1
	statusMessage = 2

	nodeSelectors = 2 // GetAllNodeInfoRequest.node_selectors
	selectorAddr  = 3 // GetAllNodeInfoRequest.NodeSelector.node_ip_address

	nodesList = 2 // GetAllNodeInfoReply.node_info_list

	// GcsNodeInfo
	nodeID     = 1
	nodeAddr   = 2 // node_manager_address: what --node-ip-address said
	nodeState  = 7
	nodeName   = 12
	nodeIsHead = 25
)

// stateAlive is GcsNodeInfo.GcsNodeState.ALIVE.
const stateAlive = 0

// Node is a Ray node as the GCS has it.
type Node struct {
	ID     string     // hex
	Name   string     // the address again, unless Ray was given a name
	Addr   netip.Addr // of --node-ip-address; invalid where that is none
	IsHead bool
}

// encodeAllNodes makes a GetAllNodeInfoRequest: for the nodes at an address, or
// for all of them.
//
// The answer holds dead nodes too. The request can't leave them out: the field
// that does so in Ray 2.52 (3) is the limit on the number of nodes in 2.40. Nor
// has 2.40 field 2: it answers with all nodes.
func encodeAllNodes(at netip.Addr) []byte {
	if !at.IsValid() {
		return nil
	}
	selector := appendString(nil, selectorAddr, at.String())
	return appendString(nil, nodeSelectors, string(selector))
}

func decodeAliveNodes(msg []byte) ([]Node, error) {
	var nodes []Node
	err := eachField(msg, func(f field) error {
		switch f.num {
		case replyStatus:
			return statusOf(f.data)
		case nodesList:
			node, alive, err := decodeNode(f.data)
			if alive && err == nil {
				nodes = append(nodes, node)
			}
			return err
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return nodes, nil
}

func decodeNode(msg []byte) (node Node, alive bool, err error) {
	alive = true // proto3 leaves out a field that is 0
	err = eachField(msg, func(f field) error {
		switch f.num {
		case nodeID:
			node.ID = hex.EncodeToString(f.data)
		case nodeAddr:
			node.Addr, _ = netip.ParseAddr(f.text())
		case nodeState:
			alive = f.n == stateAlive
		case nodeName:
			node.Name = f.text()
		case nodeIsHead:
			node.IsHead = f.n != 0
		}
		return nil
	})
	return node, alive, err
}

// statusOf returns the error that a GcsStatus stands for, nil for OK.
func statusOf(msg []byte) error {
	code, message := uint64(0), ""
	err := eachField(msg, func(f field) error {
		switch f.num {
		case statusCode:
			code = f.n
		case statusMessage:
			message = f.text()
		}
		return nil
	})
	if err != nil || code == 0 {
		return err
	}
	return fmt.Errorf("answered with status %d: %s", code, message)
}
